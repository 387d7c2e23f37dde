/** Statistics: what is counted where, and that all counts agree. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JobStats } from "../../../lib/processor/mod.ts";
import { settle } from "../../_fake_host.ts";
import { leastGrowth } from "../../_garbage.ts";
import { create } from "./_held.ts";

const timeout = 20_000;

/** The counts of somebody, without durations. */
function counts({ queued, active, done, failed, timedOut, aborted }: JobStats): number[] {
  return [queued, active, done, failed, timedOut, aborted];
}

describe("Processor.stats()", { timeout }, () => {
  test("tells of each worker and in total what waits, runs and has ended, and how", {
    timeout,
  }, async () => {
    const { processor, held, host } = create({ workers: 2, queueLimit: 2, stealing: false });
    const controller = new AbortController();
    const jobs = [
      processor.request("hold", "done"),
      processor.request("hold", "failed"),
      processor.request("hold", "times out", { timeout: 10 }),
      processor.request("hold", "aborted", { signal: controller.signal }),
      processor.request("hold", "runs"),
      processor.request("hold", "waits"),
      processor.request("hold", "refused"),
    ];
    const ends = Promise.allSettled(jobs.slice(0, 4).map(({ completed }) => completed));
    await settle();
    const { workers } = processor.stats();
    assert.deepEqual(workers.map(counts), [[2, 1, 0, 0, 0, 0], [2, 1, 0, 0, 0, 0]]);
    host.advance(10);
    controller.abort();
    held.runs[0].end();
    held.runs[1].fail("failed");
    await ends;
    await settle();
    const stats = processor.stats();
    assert.deepEqual(stats.workers.map(counts), [[0, 1, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1]]);
    assert.deepEqual(counts(stats), [0, 2, 1, 1, 1, 1]);
    assert.deepEqual(counts(stats.methods.hold), [0, 2, 1, 1, 1, 1]);
    assert.deepEqual(stats.refused, {
      full: 1,
      circuitOpen: 0,
      unknownMethod: 0,
      shutdown: 0,
      aborted: 0,
    });
    assert.deepEqual(stats.methods.hold.refused, stats.refused);
    assert.deepEqual([stats.label, stats.accepted, stats.limit, stats.abandoned], [
      "jobs",
      6,
      6,
      0,
    ]);
  });

  test("counts latencies of jobs that were done, and waits of jobs that have begun", {
    timeout,
  }, async () => {
    const { processor, held, host } = create();
    const jobs = [1, 2, 3].map(() => processor.request("hold").completed);
    const failed = jobs[2].catch((reason) => reason);
    await settle();
    for (const [i, ms] of [5, 20, 100].entries()) {
      host.advance(ms);
      if (i < 2) held.runs[i].end();
      else held.runs[i].fail("failed");
      await settle();
    }
    assert.equal(await failed, "failed");
    const { latency, wait, workers, methods } = processor.stats();
    assert.deepEqual([latency.count, latency.mean, latency.max], [2, 15, 25]);
    assert.deepEqual([wait.count, wait.mean, wait.max], [3, 10, 25]);
    assert.deepEqual(workers[0].latency, latency);
    assert.deepEqual(workers[0].wait, wait);
    assert.deepEqual(methods.hold.latency, latency);
    assert(latency.buckets.every(({ upTo, count }) => count === 1 && upTo >= 5 && upTo < 28));
  });

  test("follows a job that another worker takes", { timeout }, async () => {
    const { processor, held } = create({ workers: 2 });
    for (let i = 0; i < 4; i++) processor.notify("hold", i);
    await settle();
    held.runs[1].end();
    await settle();
    held.runs[2].end();
    await settle();
    assert.deepEqual(processor.stats().workers.map(counts), [
      [0, 1, 0, 0, 0, 0],
      [0, 1, 2, 0, 0, 0],
    ]);
  });

  test("is a copy, and stays when the processor is shut down", { timeout }, async () => {
    const { processor, held } = create({ workers: 2 });
    const before = processor.stats();
    processor.notify("hold");
    assert.deepEqual([before.accepted, before.queued, before.refused.full], [0, 0, 0]);
    await settle();
    held.runs[0].end();
    await processor.shutdown();
    const { done, workers, methods } = processor.stats();
    assert.deepEqual([done, workers.map(({ done }) => done), methods.hold.done], [1, [1, 0], 1]);
  });

  test("what is held does not grow with the jobs there were, however they ended", {
    timeout: 120_000,
  }, async () => {
    const { processor, host } = create({ workers: 4, queueLimit: 100, trace: true });
    processor.handle("work", (value: number) => value);
    processor.handle("fail", () => Promise.reject(new Error("no")));
    processor.handleBatch("batch", (all: number[]) => all, { size: 5 });
    const signal = new AbortController().signal; // which all jobs have in common
    const round = async () => {
      for (let i = 0; i < 50; i++) {
        const methods = ["work", "fail", "batch", "nothing"];
        const ends = Array.from(
          { length: 200 },
          (_, i) => processor.request(methods[i % 4], i, { signal, timeout: 50 }).completed,
        );
        await Promise.allSettled(ends);
        host.advance(1);
      }
    };
    assert(await leastGrowth(round) < 0.5);
    assert.equal(host.timers, 0);
  });
});
