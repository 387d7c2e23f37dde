/** A program whose only reason to live may be an async wait; run by a test. */
import process from "node:process";
import { setTimeout } from "node:timers";
import { SharedBarrier, SharedRwLock, SharedSnapshots } from "../../../lib/workers/mod.ts";

const lock = SharedRwLock.create();
const theirs = SharedRwLock.attach(lock.handle);
const barrier = SharedBarrier.create(2);
const values = SharedSnapshots.create(Uint8Array.of(0), { slots: 2 });
const others = SharedSnapshots.attach(values.handle);
const next = ([value]: Uint8Array) => Uint8Array.of(value + 1);
const say = (text: string) => () => console.log(text);

/** Later, without keeping the process alive. */
const later = (callback: () => void) => setTimeout(callback, 200).unref();

const programs: Record<string, () => void> = {
  "lock, granted late": () => {
    const guard = theirs.writeSync();
    lock.write().then(say("granted"));
    later(() => guard.release());
  },
  "lock, timed out": () => {
    theirs.writeSync();
    lock.write({ timeout: 200 }).catch(say("timed out"));
  },
  "barrier, passed late": () => {
    barrier.wait().then(say("passed"));
    later(() => void barrier.wait());
  },
  "snapshots, their turn late": () => {
    const gate = Promise.withResolvers<Uint8Array>();
    others.update(() => gate.promise);
    values.update(next).then(say("updated"));
    later(() => gate.resolve(Uint8Array.of(1)));
  },
  "snapshots, a slot late": () => {
    const pin = others.pin();
    others.updateSync(next);
    values.update(next).then(say("updated"));
    later(() => pin[Symbol.dispose]());
  },
  "snapshots, changed late": () => {
    values.changed(0).then(say("changed"));
    later(() => others.updateSync(next));
  },
  "nothing pending": () => {
    const controller = new AbortController();
    const guard = theirs.writeSync();
    lock.write({ signal: controller.signal, timeout: 1e6 }).catch(say("aborted"));
    barrier.wait({ signal: controller.signal }).catch(say("aborted"));
    values.changed(0, { signal: controller.signal }).catch(say("aborted"));
    const pin = others.pin();
    others.updateSync(next);
    values.update(next, { signal: controller.signal }).catch(say("aborted"));
    controller.abort();
    pin[Symbol.dispose]();
    guard.release();
    lock.write().then((guard) => guard.release());
    setTimeout(say("still alive"), 20_000).unref();
  },
};
programs[process.argv[2]]();
