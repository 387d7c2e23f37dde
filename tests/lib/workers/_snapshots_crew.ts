/**
 * Workers that share snapshots and some words with the test, and versions that betray it when they
 * are not whole: each follows from its epoch, in length and in every byte, so one that is mixed of
 * two, or computed from another than the one before, is not what it should be.
 */
import assert from "node:assert/strict";
import {
  SharedSnapshots,
  type SharedSnapshotsHandle,
  SlotTimeoutError,
} from "../../../lib/workers/mod.ts";
import { Hand } from "./_crew.ts";

/** As many bytes as a version may have: copying them takes a while. */
export const CAPACITY = 4000;

/** What the version of that epoch has to be. */
export function versionOf(epoch: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(CAPACITY - epoch % 7).fill(epoch % 251);
}

/** The version that comes after the one with that epoch. */
export function following(_: Uint8Array, { epoch }: { epoch: number }): Uint8Array<ArrayBuffer> {
  return versionOf(epoch + 1);
}

/** Whether these are the bytes of that epoch, and of no other. */
export function isWhole(bytes: Uint8Array, epoch: number): boolean {
  if (bytes.length !== CAPACITY - epoch % 7) return false;
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== epoch % 251) return false;
  }
  return true;
}

/** What a Worker begins with. */
export interface SnapshotsSetup {
  readonly tables: readonly SharedSnapshotsHandle[];
  readonly owner: number;
  readonly words: Int32Array<SharedArrayBuffer>;
}

/** What a Worker is told to do; each is told of where it is done, in `_snapshots_worker.ts`. */
export interface SnapshotsOrder {
  readonly do: "add" | "read" | "scribble" | "stand" | "churn" | "trade";
  readonly how?: "sync" | "async" | "commit" | "unguarded";
  readonly times?: number;
}

/** The word that a reader counts in what it has found, and the one for what was not whole. */
export const FOUND = 30;
/** See above. */
export const FAULTS = 31;
/** The word that tells readers to end. */
export const END = 32;

/** Some snapshots, and Workers that are attached to all of them; this thread is owner 0. */
export class SnapshotsCrew implements AsyncDisposable {
  readonly tables: readonly SharedSnapshots[];
  readonly words: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(65_536));
  readonly hands: Hand<SnapshotsOrder>[] = [];

  /** Tables with so many slots each. */
  constructor(...slots: number[]) {
    this.tables = slots.map((slots) =>
      SharedSnapshots.create(versionOf(0), { slots, capacity: CAPACITY })
    );
  }

  /** Starts one Worker as `owner`; who started it ends it. */
  hire(owner: number): Promise<Hand<SnapshotsOrder>> {
    const setup: SnapshotsSetup = {
      tables: this.tables.map(({ handle }) => handle),
      owner,
      words: this.words,
    };
    return Hand.start(new URL("./_snapshots_worker.ts", import.meta.url), setup);
  }

  /** Starts Workers from owner 1 up, which end with the crew. */
  async start(size: number): Promise<void> {
    const owners = Array.from({ length: size }, (_, index) => index + 1);
    this.hands.push(...await Promise.all(owners.map((owner) => this.hire(owner))));
  }

  /** Gives all the same order. */
  do(order: SnapshotsOrder): Promise<unknown[]> {
    return Promise.all(this.hands.map((hand) => hand.do(order)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hands.map((hand) => hand.terminate()));
  }
}

/** Nobody has anything: each slot can be had, every version is whole, and the statistics say so. */
export function assertFree(table: SharedSnapshots): void {
  const { slots } = table.stats();
  const pins = [table.pin()];
  while (pins.length < slots) {
    table.updateSync(following, { timeout: 0 });
    pins.push(table.pin());
  }
  assert.throws(() => table.updateSync(following, { timeout: 0 }), SlotTimeoutError);
  for (const pin of pins) {
    assert(isWhole(pin.value, pin.epoch), `version ${pin.epoch} is not whole`);
    pin[Symbol.dispose]();
  }
  const { readers, retained, oldestPin, turn, watchers } = table.stats();
  assert.deepEqual([readers, retained, oldestPin, watchers], [0, 1, undefined, 0]);
  assert.deepEqual(turn, { holders: [], waiters: [] });
}
