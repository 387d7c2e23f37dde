/** Jobs that end before their time: by their signal, their timeout, their limit. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JobLimitError, type JobOptions, JobTimeoutError } from "../../../lib/processor/mod.ts";
import { outcome, settle } from "../../_fake_host.ts";
import { create } from "./_held.ts";

const timeout = 20_000;

describe("signals", { timeout }, () => {
  test("a job whose signal aborts before it begins never begins", { timeout }, async () => {
    const { processor, held } = create();
    const controller = new AbortController();
    const { signal } = controller;
    const busy = processor.request("hold", "busy").completed;
    const waits = processor.request("hold", "waits", { signal });
    const last = processor.request("hold", "last").completed;
    await settle();
    controller.abort("no");
    assert.equal(await outcome(waits.completed), "no");
    assert.deepEqual(await waits.accepted, { id: 2, pending: 2 });
    held.runs[0].end();
    await settle();
    held.runs[1].end();
    await Promise.all([busy, last]);
    assert.deepEqual(held.payloads, ["busy", "last"]);
    const { aborted, done } = processor.stats();
    assert.deepEqual([aborted, done], [1, 2]);
  });

  test("a job that runs ends at once, its handler is told, and the next one begins", {
    timeout,
  }, async () => {
    const { processor, held } = create();
    const controller = new AbortController();
    const job = processor.request("hold", "first", { signal: controller.signal }).completed;
    processor.notify("hold", "second");
    await settle();
    const [{ signal }] = held.runs;
    controller.abort("no");
    assert.equal(await outcome(job), "no");
    assert.deepEqual([signal.aborted, signal.reason], [true, "no"]);
    assert.deepEqual(held.payloads, ["first", "second"]);
    assert.deepEqual([held.runs[1].signal.aborted, processor.stats().abandoned], [false, 1]);
  });

  test("each job has the options of its own request, whatever becomes of the object", {
    timeout,
  }, async () => {
    const { host, processor, held } = create();
    const controllers = [new AbortController(), new AbortController()];
    const options: JobOptions = { limit: 10 };
    const jobs = controllers.map(({ signal }) => {
      options.signal = signal;
      return processor.request("hold", "job", options).completed;
    });
    options.limit = NaN;
    delete options.signal;
    await settle();
    controllers[0].abort("first");
    assert.equal(await outcome(jobs[0]), "first");
    held.runs[0].end();
    await settle();
    host.advance(10);
    await assert.rejects(jobs[1], JobLimitError);
  });

  test("options are read once, before the job takes a place", { timeout }, async () => {
    const { processor } = create({ queueLimit: 0 });
    processor.handle("echo", (payload: string) => payload);
    for (const name of ["timeout", "limit", "signal", "priority", "traceparent", "transfer"]) {
      let readable = 0;
      const options: JobOptions = {
        get [name]() {
          if (readable-- === 0) throw new Error(`no ${name}`);
          return undefined;
        },
      };
      assert.throws(() => processor.request("echo", name, options), { message: `no ${name}` });
      readable = 1;
      assert.equal(await processor.request("echo", name, options).completed, name);
    }
  });

  test("an abort between being granted a worker and beginning is heeded", {
    timeout,
  }, async () => {
    const { processor, held } = create();
    const controller = new AbortController();
    const { completed } = processor.request("hold", "first", { signal: controller.signal });
    const second = processor.request("hold", "second").completed;
    const third = processor.request("hold", "third").completed;
    controller.abort("no"); // it has a worker, and would begin in a microtask
    assert.equal(await outcome(completed), "no");
    await settle();
    assert.deepEqual(held.payloads, ["second"], "its worker is given on once");
    held.runs[0].end();
    await second;
    await settle();
    held.runs[1].end();
    await third;
    const { aborted, done, failed, workers } = processor.stats();
    assert.deepEqual([aborted, done, failed, workers[0].aborted], [1, 2, 0, 1]);
  });

  test("one signal ends many jobs, of which none is begun because another ends", {
    timeout,
  }, async () => {
    const { processor, held } = create({ workers: 2, queueLimit: 10_000 });
    const controller = new AbortController();
    const { signal } = controller;
    const jobs = Array.from(
      { length: 10_000 },
      (_, i) => processor.request("hold", i, { signal }).completed,
    );
    const other = processor.request("hold", "other").completed;
    await settle();
    controller.abort("no");
    const ends = await Promise.allSettled(jobs);
    assert(ends.every((end) => end.status === "rejected" && end.reason === "no"));
    assert.deepEqual(held.payloads, [0, 1, "other"]);
    held.runs[2].end();
    await other;
    assert.equal(processor.stats().aborted, 10_000);
  });

  test("an abort after the end changes nothing, and nobody listens any more", {
    timeout,
  }, async () => {
    const { processor, held } = create();
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const count = (add: number, original: "addEventListener" | "removeEventListener") => {
      const method = signal[original].bind(signal) as (...args: unknown[]) => void;
      signal[original] = (...args: unknown[]) => {
        listeners += add;
        method(...args);
      };
    };
    count(1, "addEventListener");
    count(-1, "removeEventListener");
    const job = processor.request("hold", 1, { signal }).completed;
    await settle();
    assert.equal(listeners, 1);
    held.runs[0].end("done");
    assert.equal(await job, "done");
    assert.equal(listeners, 0);
    controller.abort();
    assert.deepEqual([processor.stats().aborted, held.runs[0].signal.aborted], [0, false]);
  });
});

describe("timeout", { timeout }, () => {
  test("bounds the wait, and not the run", { timeout }, async () => {
    const { processor, held, host } = create();
    const runs = processor.request("hold", "runs", { timeout: 10 }).completed;
    const waits = processor.request("hold", "waits", { timeout: 10 }).completed;
    await settle();
    assert.equal(host.timers, 1);
    host.advance(10);
    const error = await outcome(waits);
    assert(error instanceof JobTimeoutError);
    assert.equal(
      error.message,
      "Cannot begin hold within 10 ms: other jobs are still ahead",
    );
    assert.deepEqual([error.method, error.waited], ["hold", 10]);
    host.advance(1000);
    held.runs[0].end("done");
    assert.equal(await runs, "done");
    assert.deepEqual([processor.stats().timedOut, host.timers], [1, 0]);
    assert.deepEqual(held.payloads, ["runs"]);
  });

  test("0 begins only if a worker has nothing to do now", { timeout }, async () => {
    const { processor, held, host } = create();
    const runs = processor.request("hold", "runs", { timeout: 0 }).completed;
    const waits = processor.request("hold", "waits", { timeout: 0 }).completed;
    await settle();
    host.advance(0);
    assert((await outcome(waits)) instanceof JobTimeoutError);
    held.runs[0].end("done");
    assert.equal(await runs, "done");
  });

  test("is what the method says, unless the job says otherwise", { timeout }, async () => {
    const { processor, held, host } = create();
    processor.handle("brief", held.handler, { timeout: 10, limit: 20 });
    processor.notify("hold");
    const ends: string[] = [];
    const note = (name: string, promise: Promise<unknown>) =>
      void promise.then(() => ends.push(name), (error) => ends.push(`${name} ${error.name}`));
    note("method", processor.request("brief").completed);
    note("own", processor.request("brief", 0, { timeout: 30, limit: Infinity }).completed);
    await settle();
    host.advance(10);
    await settle();
    assert.deepEqual(ends, ["method JobTimeoutError"]);
    held.runs[0].end();
    await settle();
    host.advance(1000);
    held.runs[1].end();
    await settle();
    note("limit", processor.request("brief").completed);
    await settle();
    host.advance(20);
    await settle();
    assert.deepEqual(ends, ["method JobTimeoutError", "own", "limit JobLimitError"]);
  });
});

describe("limit", { timeout }, () => {
  test("bounds the run, and not the wait; the handler is told why", { timeout }, async () => {
    const { processor, held, host } = create();
    processor.notify("hold");
    const job = processor.request("hold", "limited", { limit: 10 }).completed;
    await settle();
    host.advance(1000);
    held.runs[0].end();
    await settle();
    host.advance(9);
    assert.equal(await outcome(job), "pending");
    host.advance(1);
    const error = await outcome(job);
    assert(error instanceof JobLimitError);
    assert.equal(error.message, "Cannot finish hold: it ran longer than its limit of 10 ms");
    assert.deepEqual([error.method, error.limit], ["hold", 10]);
    assert.equal(held.runs[1].signal.reason, error);
    assert.equal(host.timers, 0);
  });

  test("is passed by a handler that kept the thread to itself, though it has answered", {
    timeout,
  }, async () => {
    const { processor, host } = create();
    // As a long computation does, this lets time pass and no timer fire.
    let now = host.now();
    host.now = () => now;
    processor.handle("compute", (ms: number) => {
      now += ms;
      return "answer";
    });
    assert.equal(await processor.request("compute", 10, { limit: 10 }).completed, "answer");
    const error = await outcome(processor.request("compute", 11, { limit: 10 }).completed);
    assert(error instanceof JobLimitError);
    assert.equal(await processor.request("compute", 1000).completed, "answer");
  });

  test("a listener of the handler's signal may request another job, which waits its turn", {
    timeout,
  }, async () => {
    const { processor, held, host } = create();
    const first = processor.request("hold", "first", { limit: 10 }).completed;
    processor.notify("hold", "second");
    await settle();
    held.runs[0].signal.addEventListener("abort", () => void processor.notify("hold", "third"));
    host.advance(10);
    await outcome(first);
    held.runs[1].end();
    await settle();
    assert.deepEqual(held.payloads, ["first", "second", "third"]);
  });
});
