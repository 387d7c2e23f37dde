/** Shutdowns: what is refused, finished, aborted and abandoned, and that nothing is left. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type JobContext, Processor, ShutdownError } from "../../../lib/processor/mod.ts";
import { outcome, settle } from "../../_fake_host.ts";
import { create, Held } from "./_held.ts";

const timeout = 20_000;

/** A handler that never answers, and ends when it is told to. */
const obedient = (_: unknown, { signal }: JobContext) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("Processor.shutdown()", { timeout }, () => {
  test("refuses first and finishes what was accepted, queued jobs too", { timeout }, async () => {
    const { processor, held, host } = create();
    const jobs = [1, 2, 3].map((i) => processor.request("hold", i).completed);
    await settle();
    const report = processor.shutdown();
    assert((await outcome(processor.request("hold").accepted)) instanceof ShutdownError);
    for (const i of [0, 1, 2]) {
      assert.equal(await outcome(report), "pending");
      held.runs[i].end(i);
      await settle();
    }
    assert.deepEqual(await Promise.all(jobs), [0, 1, 2]);
    assert.deepEqual(await report, { finished: 3, aborted: 0, abandoned: 0 });
    assert.equal(host.timers, 0);
  });

  test("aborts what is not done in time, queued and running, and tells how many", {
    timeout,
  }, async () => {
    const { processor, held, host } = create({ workers: 2 });
    processor.handle("obedient", obedient);
    const quick = processor.request("hold").completed;
    const jobs = [1, 2, 3, 4].map(() => processor.request("obedient").completed);
    const ends = jobs.map(outcome);
    await settle();
    const report = processor.shutdown({ timeout: 100 });
    held.runs[0].end("quick");
    assert.equal(await quick, "quick");
    host.advance(99);
    assert.equal(await outcome(report), "pending");
    host.advance(1);
    assert.deepEqual(await report, { finished: 1, aborted: 4, abandoned: 0 });
    for (const job of jobs) {
      const error = await outcome(job);
      assert(error instanceof ShutdownError);
      assert.equal(
        error.message,
        "Cannot finish obedient: jobs was shut down before it was done",
      );
      assert.deepEqual([error.method, error.accepted], ["obedient", true]);
    }
    await Promise.all(ends);
    const { aborted, queued, active, abandoned } = processor.stats();
    assert.deepEqual([aborted, queued, active, abandoned, host.timers], [4, 0, 0, 0, 0]);
  });

  test("waits for handlers that heed their signals, and not for ever for others", {
    timeout,
  }, async () => {
    const { processor, held, host } = create({ workers: 2, grace: 50 });
    let cleaned = false;
    processor.handle("cleans", async (_: unknown, { signal }: JobContext) => {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      await settle();
      cleaned = true;
    });
    processor.request("cleans").completed.catch(() => {});
    processor.request("hold").completed.catch(() => {});
    await settle();
    const report = processor.shutdown({ timeout: 0 });
    await settle();
    await settle();
    assert(cleaned);
    assert.equal(await outcome(report), "pending");
    assert.equal(held.runs[0].signal.aborted, true);
    host.advance(50);
    assert.deepEqual(await report, { finished: 0, aborted: 2, abandoned: 1 });
    assert.equal(host.timers, 0);
    held.runs[0].end();
    await settle();
    assert.equal(processor.stats().abandoned, 0);
  });

  test("timeout 0 aborts at once, and no handler is begun by it", { timeout }, async () => {
    const { processor, held, host } = create({ grace: 0 });
    for (let i = 0; i < 3; i++) processor.request("hold", i).completed.catch(() => {});
    const report = processor.shutdown({ timeout: 0 });
    assert.equal(processor.stats().aborted, 3);
    assert.deepEqual(await report, { finished: 0, aborted: 3, abandoned: 0 });
    assert.deepEqual([held.runs.length, host.timers], [0, 0]);
  });

  test("called again, answers the same, and the shortest timeout counts", {
    timeout,
  }, async () => {
    const { processor, host } = create({ grace: 0 });
    processor.request("hold").completed.catch(() => {});
    await settle();
    const first = processor.shutdown({ timeout: 1000 });
    const second = processor.shutdown({ timeout: 10 });
    const third = processor.shutdown({ timeout: Infinity });
    assert.equal(first, second);
    assert.equal(second, third);
    host.advance(10);
    await settle();
    host.advance(0);
    assert.deepEqual(await first, { finished: 0, aborted: 1, abandoned: 1 });
    assert.equal(processor.shutdown(), first);
  });

  test("waits as long as the processor was created for, unless told otherwise", {
    timeout,
  }, async () => {
    for (const [options, ms] of [[{}, 5000], [{ shutdownTimeout: 70 }, 70]] as const) {
      const { processor, host } = create({ ...options, grace: 0 });
      processor.request("hold").completed.catch(() => {});
      await settle();
      const report = processor[Symbol.asyncDispose]();
      host.advance(ms - 1);
      assert.equal(await outcome(report), "pending");
      host.advance(1);
      await settle();
      host.advance(0);
      await report;
      assert.equal(host.timers, 0);
    }
  });

  test("refuses a timeout that cannot be meant, and goes on", { timeout }, async () => {
    const { processor } = create();
    await assert.rejects(processor.shutdown({ timeout: -1 }), RangeError);
    await assert.rejects(processor.shutdown(5 as never), TypeError);
    await processor.notify("hold");
  });

  test("aborts the jobs of all bulkheads and of batches that are still open", {
    timeout,
  }, async () => {
    const { processor, host } = create({ grace: 0 });
    const slow = new Held();
    processor.handle("slow", slow.handler, { bulkhead: { workers: 1 } });
    const batches: number[] = [];
    processor.handleBatch("batch", (payloads: unknown[]) => {
      batches.push(payloads.length);
      return payloads;
    }, { size: 10, wait: 1000 });
    processor.request("slow").completed.catch(() => {});
    const batched = [1, 2].map((i) => processor.request("batch", i).completed);
    await settle();
    const report = processor.shutdown({ timeout: 10 });
    assert.deepEqual(await Promise.all(batched), [1, 2], "an open batch waits for no more");
    assert.deepEqual(batches, [2]);
    host.advance(10);
    await settle();
    host.advance(0);
    assert.deepEqual(await report, { finished: 2, aborted: 1, abandoned: 1 });
    assert.equal(host.timers, 0);
  });

  test("a shutdown under rapid submissions ends, and every job has an end", {
    timeout,
  }, async () => {
    const { processor, host } = create({ workers: 4, queueLimit: 10 });
    processor.handle("tick", async (ticks: number, { signal }: JobContext) => {
      for (let i = 0; i < ticks && !signal.aborted; i++) await settle();
      return ticks;
    });
    const ends = new Map<string, number>();
    const count = (end: string) => void ends.set(end, (ends.get(end) ?? 0) + 1);
    const all: Promise<void>[] = [];
    const submit = (ticks: number) =>
      all.push(
        processor.request("tick", ticks).completed.then(
          () => count("done"),
          ({ name }) => count(name),
        ),
      );
    let report: Promise<unknown> | undefined;
    for (let wave = 0; wave < 12; wave++) {
      for (let i = 0; i < 20; i++) submit(i % 7);
      if (wave === 6) report = processor.shutdown({ timeout: 100 });
      await settle();
      if (wave === 8) host.advance(100);
    }
    const { finished, aborted, abandoned } = await report as {
      finished: number;
      aborted: number;
      abandoned: number;
    };
    await Promise.all(all);
    assert.equal(all.length, 240);
    const stats = processor.stats();
    const sum = [...ends.values()].reduce((a, b) => a + b);
    assert.equal(sum, 240);
    assert(aborted > 0 && finished > 0 && abandoned === 0);
    assert.deepEqual(
      [stats.done, stats.aborted, stats.queued, stats.active],
      [ends.get("done"), aborted, 0, 0],
    );
    assert.equal(ends.get("ShutdownError"), aborted + stats.refused.shutdown);
    assert.equal(ends.get("QueueFullError"), stats.refused.full);
    assert.equal(host.timers, 0);
  });

  test("a failed job's observer may shut down, and an aborted job's may ask for more", {
    timeout,
  }, async () => {
    const reasons: unknown[] = [];
    const { processor, held } = create({
      workers: 2,
      grace: 0,
      onFailure: ({ error }) => {
        reasons.push((error as Error).name);
        processor.shutdown({ timeout: 0 });
        processor.request("hold").accepted.catch(({ name }) => reasons.push(name));
      },
    });
    for (let i = 0; i < 4; i++) processor.request("hold", i);
    await settle();
    held.runs[0].fail(new RangeError("first"));
    await settle();
    assert.deepEqual(reasons.slice(0, 4), [
      "RangeError",
      "ShutdownError",
      "ShutdownError",
      "ShutdownError",
    ]);
    assert.equal(processor.stats().aborted, 3);
    assert.equal(processor.stats().refused.shutdown, 4);
  });
});

test("await using finishes what was accepted and leaves nothing", { timeout }, async () => {
  let done = 0;
  {
    await using processor = new Processor({ workers: 2 });
    processor.handle("work", async () => {
      await settle();
      done++;
    });
    for (let i = 0; i < 10; i++) processor.notify("work");
  }
  assert.equal(done, 10);
});
