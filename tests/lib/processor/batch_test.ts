/** Handlers that do several jobs at once. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { QueueFullError } from "../../../mod.ts";
import {
  type BatchContext,
  type BatchOptions,
  byPriority,
  JobLimitError,
  type ProcessorOptions,
} from "../../../lib/processor/mod.ts";
import { outcome, settle } from "../../_fake_host.ts";
import { create } from "./_held.ts";

const timeout = 20_000;

interface HeldBatch {
  readonly payloads: unknown[];
  readonly context: BatchContext;
  readonly signal: AbortSignal;
  end(results?: unknown): void;
  fail(error: unknown): void;
}

/** A processor with a method "batch" whose runs are held. */
function createBatch(options: BatchOptions, of: ProcessorOptions = {}) {
  const all = create(of);
  const batches: HeldBatch[] = [];
  all.processor.handleBatch("batch", (payloads: unknown[], context) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
    const { signal } = context;
    const end = (results: unknown = payloads) => resolve(results as unknown[]);
    batches.push({ payloads, context, signal, end, fail: reject });
    return promise;
  }, options);
  const ask = (payload: unknown, job = {}) =>
    all.processor.request("batch", payload, job).completed;
  return { ...all, batches, ask };
}

describe("Processor.handleBatch()", { timeout }, () => {
  test("jobs that come in one turn are one batch, and each gets its own answer", {
    timeout,
  }, async () => {
    const { ask, batches, processor } = createBatch({ size: 10 });
    const jobs = [1, 2, 3].map((i) => ask(i));
    await settle();
    assert.deepEqual(batches.map(({ payloads }) => payloads), [[1, 2, 3]]);
    const { method, worker, jobs: infos } = batches[0].context;
    assert.deepEqual([method, worker], ["batch", 0]);
    assert.deepEqual(
      infos,
      [1, 2, 3].map((id) => ({
        id,
        method: "batch",
        kind: "request",
        priority: 0,
      })),
    );
    const { active, queued } = processor.stats();
    assert.deepEqual([active, queued], [3, 0]);
    batches[0].end(["a", "b", "c"]);
    assert.deepEqual(await Promise.all(jobs), ["a", "b", "c"]);
  });

  test("a batch that is full begins, and the next job begins another", { timeout }, async () => {
    const { ask, batches } = createBatch({ size: 2 }, { workers: 2 });
    for (const i of [1, 2, 3, 4, 5]) ask(i);
    await settle();
    assert.deepEqual(batches.map(({ payloads }) => payloads), [[1, 2], [3, 4]]);
    batches[0].end();
    await settle();
    assert.deepEqual(batches[2].payloads, [5]);
  });

  test("jobs join a batch until it begins, also while it waits for a worker", {
    timeout,
  }, async () => {
    const { ask, batches, held, processor } = createBatch({ size: 10 });
    processor.notify("hold");
    await settle();
    for (const i of [1, 2, 3]) {
      ask(i);
      await settle();
    }
    const [{ queued, active }] = processor.stats().workers;
    assert.deepEqual([batches.length, queued, active], [0, 3, 1]);
    held.runs[0].end();
    await settle();
    ask(4);
    await settle();
    assert.deepEqual(batches.map(({ payloads }) => payloads), [[1, 2, 3]]);
  });

  test("wait keeps the first job waiting for others, until there are enough", {
    timeout,
  }, async () => {
    const { ask, batches, host } = createBatch({ size: 3, wait: 10 });
    ask(1);
    await settle();
    host.advance(9);
    ask(2);
    await settle();
    assert.equal(batches.length, 0);
    host.advance(1);
    await settle();
    assert.deepEqual(batches.map(({ payloads }) => payloads), [[1, 2]]);
    batches[0].end();
    await settle();
    for (const i of [3, 4, 5]) ask(i);
    await settle();
    assert.deepEqual(batches[1].payloads, [3, 4, 5]);
    assert.equal(host.timers, 0);
  });

  test("a result that is an error fails its job alone; what is thrown fails all", {
    timeout,
  }, async () => {
    const { ask, batches, processor } = createBatch({ size: 10 });
    const jobs = [1, 2, 3].map((i) => ask(i));
    await settle();
    const error = new RangeError("two");
    batches[0].end(["one", error, "three"]);
    assert.deepEqual(await Promise.all(jobs.map(outcome)), ["one", error, "three"]);
    const more = [4, 5].map((i) => ask(i));
    await settle();
    batches[1].fail("all");
    assert.deepEqual(await Promise.all(more.map(outcome)), ["all", "all"]);
    const { done, failed } = processor.stats();
    assert.deepEqual([done, failed], [2, 3]);
  });

  test("an answer that is no result for each payload fails all, and says so", {
    timeout,
  }, async () => {
    const { ask, batches } = createBatch({ size: 10 });
    const answers: [unknown, RegExp][] = [
      [[1], /Cannot finish batch: its handler answered 1 results for 2 payloads$/],
      [[1, 2, 3], /Cannot finish batch: its handler answered 3 results for 2 payloads$/],
      ["ab", /Cannot finish batch: its handler answered no array for 2 payloads$/],
      [[1, Promise.resolve(2)], /answered a promise among its results, which it must await first$/],
    ];
    for (const [answer, message] of answers) {
      const jobs = [1, 2].map((i) => ask(i));
      await settle();
      batches.at(-1)!.end(answer);
      for (const job of jobs) await assert.rejects(job, { name: "TypeError", message });
    }
  });

  test("results that cannot be read fail all, and leave their places and the worker", {
    timeout,
  }, async () => {
    const { ask, batches, processor } = createBatch({ size: 10 });
    const jobs = [1, 2].map((i) => ask(i));
    await settle();
    const unreadable = new Error("unreadable");
    const results = Object.defineProperty([1, 2], 1, {
      get: () => {
        throw unreadable;
      },
    });
    batches[0].end(results);
    assert.deepEqual(await Promise.all(jobs.map(outcome)), [unreadable, unreadable]);
    const next = ask(3);
    await settle();
    batches[1].end();
    assert.equal(await next, 3);
    const { active, failed } = processor.stats();
    assert.deepEqual([active, failed], [0, 2]);
  });

  test("one job that is aborted leaves the others alone, before and after the batch begins", {
    timeout,
  }, async () => {
    const { ask, batches, processor } = createBatch({ size: 10 });
    const [before, after] = [new AbortController(), new AbortController()];
    const ends = Promise.allSettled([
      ask(1),
      ask(2, { signal: before.signal }),
      ask(3, { signal: after.signal }),
      ask(4),
    ]);
    before.abort("before");
    await settle();
    assert.deepEqual(batches[0].payloads, [1, 3, 4]);
    after.abort("after");
    assert.equal(batches[0].signal.aborted, false);
    batches[0].end(["one", "three", "four"]);
    assert.deepEqual(
      (await ends).map((end) => end.status === "fulfilled" ? end.value : end.reason),
      ["one", "before", "after", "four"],
    );
    const { active, done, aborted, workers } = processor.stats();
    assert.deepEqual([active, done, aborted, workers[0].active], [0, 2, 2, 0], "each ends once");
  });

  test("the signal of a batch aborts when no job wants its result any more", {
    timeout,
  }, async () => {
    const { ask, batches, processor, host } = createBatch({ size: 2 });
    const controller = new AbortController();
    const first = ask(1, { limit: 10 });
    const second = ask(2, { signal: controller.signal });
    const next = ask(3);
    await settle();
    const [{ signal }] = batches;
    host.advance(10);
    assert((await outcome(first)) instanceof JobLimitError);
    assert.deepEqual([signal.aborted, batches.length], [false, 1]);
    controller.abort("no");
    assert.equal(await outcome(second), "no");
    assert.deepEqual([signal.aborted, signal.reason], [true, "no"]);
    assert.equal(processor.stats().abandoned, 1);
    batches[1].end(["three"]);
    batches[0].end();
    assert.deepEqual(await next, "three");
    assert.deepEqual([processor.stats().abandoned, host.timers], [0, 0]);
  });

  test("an open batch that loses all its jobs leaves nothing behind", { timeout }, async () => {
    const { ask, batches, host, processor } = createBatch({ size: 10, wait: 50 });
    const controller = new AbortController();
    const jobs = [1, 2].map((i) => ask(i, { signal: controller.signal }));
    controller.abort("no");
    assert.deepEqual(await Promise.all(jobs.map(outcome)), ["no", "no"]);
    assert.equal(host.timers, 0);
    ask(3);
    host.advance(50);
    await settle();
    assert.deepEqual(batches.map(({ payloads }) => payloads), [[3]]);
    assert.equal(processor.stats().active, 1);
  });

  test("each job of a batch takes a place", { timeout }, async () => {
    const { ask, processor } = createBatch({ size: 10, wait: 50 }, { queueLimit: 2 });
    for (const i of [1, 2, 3]) ask(i);
    assert((await outcome(processor.request("batch").accepted)) instanceof QueueFullError);
    assert.equal(processor.stats().queued, 3);
  });

  test("jobs of one priority make a batch, which has that priority", { timeout }, async () => {
    const { ask, batches, held, processor } = createBatch({ size: 10 }, { order: byPriority });
    processor.notify("hold");
    await settle();
    for (const priority of [0, 5, 0, 5]) ask(priority, { priority });
    held.runs[0].end();
    await settle();
    batches[0].end();
    await settle();
    assert.deepEqual(batches.map(({ payloads }) => payloads), [[5, 5], [0, 0]]);
  });

  test("disposing of its registration sends an open batch on its way", { timeout }, async () => {
    const { processor, host } = create();
    const sizes: number[] = [];
    const registration = processor.handleBatch("batch", (payloads: unknown[]) => {
      sizes.push(payloads.length);
      return payloads;
    }, { size: 10, wait: 1000 });
    const job = processor.request("batch", 1).completed;
    registration[Symbol.dispose]();
    assert.equal(await job, 1);
    assert.deepEqual([sizes, host.timers], [[1], 0]);
  });

  test("refuses sizes and waits that cannot be meant", { timeout }, () => {
    const { processor } = create();
    const handle = (options: unknown) => () =>
      void processor.handleBatch("x", (all: unknown[]) => all, options as BatchOptions);
    assert.throws(handle(undefined), { name: "TypeError", message: /options must be an object/ });
    assert.throws(handle({}), {
      name: "TypeError",
      message: /size must be a whole number from 1 u/,
    });
    assert.throws(handle({ size: 0 }), { name: "RangeError" });
    assert.throws(handle({ size: 1, wait: -1 }), {
      name: "RangeError",
      message: /wait must be 0 or/,
    });
  });
});
