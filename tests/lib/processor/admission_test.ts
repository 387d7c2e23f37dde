/** Who is accepted, who is told that there is no room, and that every place comes back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { QueueFullError } from "../../../mod.ts";
import {
  CircuitOpenError,
  JobLimitError,
  JobTimeoutError,
  Processor,
  type Submission,
} from "../../../lib/processor/mod.ts";
import { collectThrown, FakeHost, outcome, settle } from "../../_fake_host.ts";
import { create, Held } from "./_held.ts";

const timeout = 20_000;

/** Whether each was accepted. */
async function accepted(submissions: readonly Submission<unknown>[]): Promise<boolean[]> {
  const all = await Promise.allSettled(submissions.map(({ accepted }) => accepted));
  return all.map(({ status }) => status === "fulfilled");
}

/** Asks so often. */
function ask(processor: Processor, times: number, method = "hold"): Submission<unknown>[] {
  return Array.from({ length: times }, (_, i) => processor.request(method, i));
}

/** How many more are accepted now; they are aborted again. */
async function room(processor: Processor, method = "hold"): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  const submissions: Submission<unknown>[] = [];
  for (;;) {
    const submission = processor.request(method, undefined, { signal });
    if (!(await accepted([submission]))[0]) break;
    submissions.push(submission);
  }
  controller.abort("enough");
  for (const { completed } of submissions) assert.equal(await outcome(completed), "enough");
  return submissions.length;
}

describe("a full processor", { timeout }, () => {
  test("each worker has one job and its queue full, and the next is refused at once", {
    timeout,
  }, async () => {
    const { processor } = create({ workers: 2, queueLimit: 3 });
    const jobs = ask(processor, 9);
    assert.deepEqual(await accepted(jobs), [...Array(8).fill(true), false]);
    const error = await outcome(jobs[8].accepted);
    assert(error instanceof QueueFullError);
    assert.deepEqual([error.queue, error.pending, error.limit], ["jobs", 8, 8]);
    assert.equal(
      error.message,
      "Cannot add to the queue of jobs: 8 are pending, and 8 may be",
    );
    await settle();
    const { workers, refused, queued, active } = processor.stats();
    assert.deepEqual([queued, active, refused.full], [6, 2, 1]);
    assert.deepEqual(workers.map((worker) => [worker.active, worker.queued]), [[1, 3], [1, 3]]);
  });

  test("what is refused runs nothing, takes no time and leaves nothing", { timeout }, async () => {
    const { processor, held, host } = create({ queueLimit: 0 });
    const [first, second] = ask(processor, 2);
    const refused = processor.request("hold", 1, {
      timeout: 10,
      signal: new AbortController().signal,
    });
    assert.deepEqual(await accepted([first, second, refused]), [true, false, false]);
    assert.deepEqual([held.runs.length, host.timers], [1, 0]);
    held.runs[0].end();
    await first.completed;
    assert.equal(held.runs.length, 1);
  });

  test("one job that ends makes room for one", { timeout }, async () => {
    const { processor, held } = create({ queueLimit: 1 });
    ask(processor, 2);
    assert.deepEqual(await accepted(ask(processor, 1)), [false]);
    held.runs[0].end();
    await settle();
    assert.deepEqual(await accepted(ask(processor, 2)), [true, false]);
  });

  test("rapid submissions under overload are each accepted or refused, and none is lost", {
    timeout,
  }, async () => {
    const { processor } = create({ workers: 4, queueLimit: 5 });
    processor.handle("tick", async (value: number) => {
      await settle();
      return value;
    });
    let done = 0, refused = 0;
    const submit = async (value: number) => {
      try {
        assert.equal(await processor.request("tick", value).completed, value);
        done++;
      } catch (error) {
        assert(error instanceof QueueFullError);
        refused++;
      }
    };
    const all: Promise<void>[] = [];
    for (let wave = 0; wave < 20; wave++) {
      for (let i = 0; i < 50; i++) all.push(submit(i));
      await settle();
    }
    await Promise.all(all);
    const stats = processor.stats();
    assert.equal(done + refused, 1000);
    assert.deepEqual([stats.done, stats.refused.full, stats.accepted], [done, refused, done]);
    assert(done >= 24 && refused > 0);
    assert.equal(await room(processor), 24);
  });
});

describe("places come back", { timeout }, () => {
  const endings: [string, (all: ReturnType<typeof create>) => Promise<unknown>][] = [
    ["done", async ({ processor, held }) => {
      const { completed } = processor.request("hold");
      await settle();
      held.runs.at(-1)!.end();
      await completed;
    }],
    ["failed", async ({ processor, held }) => {
      const { completed } = processor.request("hold");
      await settle();
      held.runs.at(-1)!.fail("failed");
      assert.equal(await outcome(completed), "failed");
    }],
    ["thrown by a handler that is not async", async ({ processor }) => {
      await assert.rejects(processor.request("throw").completed, /thrown/);
    }],
    ["aborted while it runs", async ({ processor }) => {
      const controller = new AbortController();
      const { completed } = processor.request("hold", 0, { signal: controller.signal });
      await settle();
      controller.abort("aborted");
      assert.equal(await outcome(completed), "aborted");
    }],
    ["aborted before it runs", async ({ processor }) => {
      const controller = new AbortController();
      const { completed } = processor.request("hold", 0, { signal: controller.signal });
      controller.abort("aborted");
      assert.equal(await outcome(completed), "aborted");
    }],
    ["aborted before it was requested", async ({ processor }) => {
      const signal = AbortSignal.abort("aborted");
      const { accepted, completed } = processor.request("hold", 0, { signal });
      assert.equal(await outcome(accepted), "aborted");
      assert.equal(await outcome(completed), "aborted");
    }],
    ["aborted while it waits", async ({ processor, held }) => {
      const controller = new AbortController();
      const all = ask(processor, 2);
      const { completed } = processor.request("hold", 0, { signal: controller.signal });
      await settle();
      controller.abort("aborted");
      assert.equal(await outcome(completed), "aborted");
      for (const run of held.runs.slice(-2)) run.end();
      await Promise.all(all.map(({ completed }) => completed));
    }],
    ["timed out", async ({ processor, held, host }) => {
      const all = ask(processor, 2);
      const { completed } = processor.request("hold", 0, { timeout: 10 });
      await settle();
      host.advance(10);
      assert((await outcome(completed)) instanceof JobTimeoutError);
      for (const run of held.runs.slice(-2)) run.end();
      await Promise.all(all.map(({ completed }) => completed));
    }],
    ["past its limit", async ({ processor, host }) => {
      const { completed } = processor.request("hold", 0, { limit: 10 });
      await settle();
      host.advance(10);
      assert((await outcome(completed)) instanceof JobLimitError);
    }],
    ["refused", async ({ processor }) => {
      assert((await outcome(processor.request("nothing").completed)) instanceof Error);
    }],
  ];
  for (const [how, end] of endings) {
    test(`a job that is ${how} gives its place back, however often`, { timeout }, async () => {
      const all = create({ workers: 2, queueLimit: 2 });
      const { processor, host } = all;
      processor.handle("throw", () => {
        throw new Error("thrown");
      });
      for (let i = 0; i < 20; i++) await end(all);
      assert.equal(await room(processor), 6);
      const { queued, active } = processor.stats();
      assert.deepEqual([queued, active, host.timers], [0, 0, 0]);
    });
  }

  test("a handler that goes on after its end takes no place, and is counted as abandoned", {
    timeout,
  }, async () => {
    const { processor, held, host } = create({ queueLimit: 0 });
    const first = processor.request("hold", 0, { limit: 10 }).completed;
    await settle();
    host.advance(10);
    assert((await outcome(first)) instanceof JobLimitError);
    assert.equal(processor.stats().abandoned, 1);
    const second = processor.request("hold").completed;
    await settle();
    assert.equal(held.running, 2);
    held.runs[0].end("too late");
    held.runs[1].end("in time");
    assert.equal(await second, "in time");
    assert.equal(processor.stats().abandoned, 0);
    const late = processor.request("hold", 0, { limit: 10 }).completed;
    await settle();
    host.advance(10);
    await outcome(late);
    held.runs[2].fail(new Error("too late, and handled"));
    await settle();
    assert.deepEqual([processor.stats().abandoned, processor.stats().failed], [0, 2]);
  });
});

describe("a bulkhead", { timeout }, () => {
  test("has workers and a queue of its own, so that neither side crowds the other out", {
    timeout,
  }, async () => {
    const { processor, held } = create({ workers: 2, queueLimit: 0 });
    const slow = new Held();
    processor.handle("slow", slow.handler, { bulkhead: { workers: 1, queueLimit: 1 } });
    const slows = ask(processor, 3, "slow");
    assert.deepEqual(await accepted(slows), [true, true, false]);
    const error = await outcome(slows[2].accepted);
    assert(error instanceof QueueFullError);
    assert.deepEqual([error.queue, error.limit], ["jobs, bulkhead slow", 2]);
    assert.deepEqual(await accepted(ask(processor, 3)), [true, true, false]);
    await settle();
    assert.deepEqual([slow.running, held.running], [1, 2]);
    const { workers, limit, methods } = processor.stats();
    assert.deepEqual(
      workers.map(({ worker, bulkhead, active, queued }) => [
        worker,
        bulkhead,
        active,
        queued,
      ]),
      [[0, undefined, 1, 0], [1, undefined, 1, 0], [0, "slow", 1, 1]],
    );
    assert.equal(limit, 2);
    assert.deepEqual([methods.slow.queued, methods.slow.active, methods.slow.refused.full], [
      1,
      1,
      1,
    ]);
    slow.runs[0].end();
    await settle();
    slow.runs[1].end();
    await Promise.all(slows.slice(0, 2).map(({ completed }) => completed));
    assert.equal(await room(processor, "slow"), 2);
  });

  test("ends with its method, after the jobs it has", { timeout }, async () => {
    const { processor } = create();
    const slow = new Held();
    const registration = processor.handle("slow", slow.handler, { bulkhead: { workers: 1 } });
    const jobs = ask(processor, 2, "slow");
    await settle();
    registration[Symbol.dispose]();
    assert.equal(processor.stats().workers.length, 2);
    slow.runs[0].end(1);
    await settle();
    slow.runs[1].end(2);
    assert.deepEqual(await Promise.all(jobs.map(({ completed }) => completed)), [1, 2]);
    await settle();
    assert.equal(processor.stats().workers.length, 1);
    const idle = processor.handle("slow", slow.handler, { bulkhead: { workers: 3 } });
    assert.equal(processor.stats().workers.length, 4);
    idle[Symbol.dispose]();
    await settle();
    assert.equal(processor.stats().workers.length, 1);
  });
});

describe("a circuit breaker", { timeout }, () => {
  /** A processor with a method that fails when told to. */
  function createBreaker(breaker: object) {
    const all = create({ workers: 2 });
    const { processor } = all;
    processor.handle("call", (payload: unknown) => {
      if (payload instanceof Error) throw payload;
      return payload;
    }, { breaker });
    const call = (payload: unknown) => outcome(processor.request("call", payload).completed);
    const state = () => processor.stats().methods.call.breaker;
    return { ...all, call, state };
  }
  const bad = () => new Error("bad");

  test("opens when too many of the last jobs have failed, and refuses at once", {
    timeout,
  }, async () => {
    const { call, state, processor, host } = createBreaker({
      window: 4,
      minimum: 2,
      rate: 0.5,
      cooldown: 100,
    });
    await call(1);
    assert.equal(state(), "closed");
    await call(bad());
    assert.equal(state(), "open");
    const refused = processor.request("call", 1);
    const error = await outcome(refused.accepted);
    assert(error instanceof CircuitOpenError);
    assert.deepEqual([error.method, error.retryAfter], ["call", 100]);
    assert.equal(error.message, "Cannot request call: its circuit is open for another 100 ms");
    host.advance(60);
    assert.match(String(await call(1)), /for another 40 ms/);
    const { refused: refusals, methods, accepted } = processor.stats();
    assert.deepEqual([refusals.circuitOpen, methods.call.refused.circuitOpen, accepted], [2, 2, 2]);
    assert.equal(await outcome(processor.request("hold", 1).accepted.then(({ id }) => id)), 3);
  });

  test("looks at the last jobs only", { timeout }, async () => {
    const { call, state } = createBreaker({ window: 4, minimum: 4, rate: 0.75 });
    for (const payload of [bad(), bad(), 1, 2]) await call(payload);
    assert.equal(state(), "closed", "two of four");
    await call(bad()); // the first falls out of the window: bad 1 2 bad
    await call(bad()); // 1 2 bad bad
    assert.equal(state(), "closed");
    await call(bad()); // 2 bad bad bad
    assert.equal(state(), "open");
  });

  test("lets trials through after its cooldown, and closes when they have succeeded", {
    timeout,
  }, async () => {
    const { call, state, host, processor } = createBreaker({
      window: 1,
      cooldown: 100,
      trials: 2,
    });
    await call(bad());
    assert.equal(state(), "open");
    host.advance(100);
    assert.equal(state(), "half-open");
    const trials = [processor.request("call", 1), processor.request("call", 2)];
    const third = await outcome(processor.request("call", 3).completed);
    assert(third instanceof CircuitOpenError);
    assert.deepEqual([third.retryAfter], [0]);
    assert.match(third.message, /its circuit is open until a trial has succeeded$/);
    assert.deepEqual(await Promise.all(trials.map(({ completed }) => completed)), [1, 2]);
    assert.equal(state(), "closed");
    assert.equal(await call(4), 4);
  });

  test("opens again when a trial fails", { timeout }, async () => {
    const { call, state, host } = createBreaker({ window: 1, cooldown: 100 });
    await call(bad());
    host.advance(100);
    await call(bad());
    assert.equal(state(), "open");
    host.advance(99);
    assert((await call(1)) instanceof CircuitOpenError);
    host.advance(1);
    assert.equal(await call(1), 1);
    assert.equal(state(), "closed");
  });

  test("a trial that ends without an outcome gives its place to another", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const processor = host.build(() => new Processor({ workers: 1, queueLimit: 1 }));
    const held = new Held();
    processor.handle("hold", held.handler);
    processor.handle("call", held.handler, { breaker: { window: 1, cooldown: 100 } });
    const fails = processor.request("call").completed;
    await settle();
    held.runs[0].fail(bad());
    await outcome(fails);
    const busy = processor.request("hold").completed;
    host.advance(100);
    // One that is aborted, one that times out, one that is not accepted for another reason.
    const controller = new AbortController();
    const aborted = processor.request("call", 0, { signal: controller.signal }).completed;
    controller.abort("aborted");
    assert.equal(await outcome(aborted), "aborted");
    const late = processor.request("call", 0, { timeout: 10 }).completed;
    await settle();
    host.advance(10);
    assert((await outcome(late)) instanceof JobTimeoutError);
    const waits = processor.request("hold").completed;
    assert((await outcome(processor.request("call").accepted)) instanceof QueueFullError);
    held.runs[1].end();
    await settle();
    held.runs[2].end();
    await Promise.all([busy, waits]);
    const trial = processor.request("call").completed;
    await settle();
    held.runs[3].end("works");
    assert.equal(await trial, "works");
    assert.equal(processor.stats().methods.call.breaker, "closed");
  });

  test("what was begun before it opened neither closes nor opens it again", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const processor = host.build(() => new Processor({ workers: 4 }));
    const held = new Held();
    processor.handle("call", held.handler, { breaker: { window: 1, cooldown: 100 } });
    const calls = ask(processor, 3, "call").map(({ completed }) => outcome(completed));
    await settle();
    held.runs[0].fail(bad());
    await settle();
    const state = () => processor.stats().methods.call.breaker;
    assert.equal(state(), "open");
    host.advance(100);
    const trial = processor.request("call").completed;
    await settle();
    held.runs[1].end("late, good");
    await settle();
    assert.equal(state(), "half-open", "the trial is not this one");
    held.runs[2].fail(bad());
    await settle();
    assert.equal(state(), "half-open");
    held.runs[3].end("works");
    assert.equal(await trial, "works");
    assert.equal(state(), "closed");
    await Promise.all(calls);
  });

  test("isFailure says which errors count; aborts and timeouts never do", {
    timeout,
  }, async () => {
    const { call, state, processor, host } = createBreaker({
      window: 2,
      minimum: 1,
      isFailure: (error: Error) => error.message !== "invalid",
    });
    await call(new Error("invalid"));
    assert.equal(state(), "closed");
    const controller = new AbortController();
    const aborted = processor.request("call", 1, { signal: controller.signal }).completed;
    controller.abort("aborted");
    assert.equal(await outcome(aborted), "aborted");
    processor.request("hold");
    processor.request("hold");
    const late = processor.request("call", 1, { timeout: 10 }).completed;
    await settle();
    host.advance(10);
    await outcome(late);
    assert.equal(state(), "closed");
  });

  test("a job past its limit counts as a failure", { timeout }, async () => {
    const { processor, held, host } = create();
    processor.handle("call", held.handler, { limit: 10, breaker: { window: 1 } });
    const { completed } = processor.request("call");
    await settle();
    host.advance(10);
    assert((await outcome(completed)) instanceof JobLimitError);
    assert.equal(processor.stats().methods.call.breaker, "open");
  });

  test("what isFailure throws surfaces, and counts as a failure", { timeout }, async () => {
    const { processor } = create();
    processor.handle("sync", () => {
      throw bad();
    }, {
      breaker: {
        window: 1,
        isFailure: () => {
          throw new Error("from isFailure");
        },
      },
    });
    const rejected: unknown[] = [];
    const { reject } = Promise;
    const { completed } = processor.request("sync");
    Promise.reject = (reason) => {
      rejected.push(reason);
      Promise.reject = reject;
      return new Promise(() => {});
    };
    await outcome(completed);
    assert.match(String(rejected[0]), /from isFailure/);
    assert.equal(processor.stats().methods.sync.breaker, "open");
  });
});

describe("adaptive back-pressure", { timeout }, () => {
  /** Lets every job that has begun take so long, in virtual time, until none is left. */
  async function drain(host: FakeHost, held: Held, ms: number): Promise<void> {
    for (let ended = 0; ended < held.runs.length; ended++) {
      host.advance(ms);
      held.runs[ended].end();
      await settle();
    }
  }

  test("accepts fewer when even the shortest wait of an interval is too long, and more again", {
    timeout,
  }, async () => {
    const { processor, host } = create({
      queueLimit: 19,
      backPressure: { target: 50, interval: 100 },
    });
    const limit = () => processor.stats().limit;
    const held = new Held();
    processor.handle("work", held.handler);
    assert.equal(limit(), 20);
    ask(processor, 20, "work");
    await settle();
    // The first begins at once, which is a short wait: a burst is no overload.
    held.runs[0].end();
    await settle();
    host.advance(100);
    ask(processor, 1, "work");
    assert.equal(limit(), 20);
    // From here on each has waited for 100 ms and more when it begins.
    held.runs[1].end();
    await settle();
    host.advance(100);
    ask(processor, 1, "work");
    assert.equal(limit(), 18);
    const full = await outcome(ask(processor, 1, "work")[0].accepted);
    assert(full instanceof QueueFullError);
    assert.deepEqual([full.limit], [18]);
    held.runs.splice(0, 2);
    await drain(host, held, 100);
    /** One job that need not wait; those before it are looked at. */
    const one = async () => {
      host.advance(100);
      const { completed } = processor.request("work");
      await settle();
      held.runs.at(-1)!.end();
      await completed;
    };
    await one();
    // Nothing waits any more: the limit grows, but only where it is in the way.
    const before = limit();
    assert(before < 18);
    for (let i = 0; i < 5; i++) await one();
    assert.equal(limit(), before);
    const seen = new Set<number>();
    for (let i = 0; i < 10; i++) {
      host.advance(100);
      ask(processor, 25, "work");
      seen.add(limit());
      await settle();
      while (processor.stats().active > 0) {
        held.runs.at(-1)!.end();
        await settle();
      }
    }
    assert.deepEqual([...seen].slice(0, 3), [before, before + 1, before + 2]);
    assert.equal(limit(), 20);
  });

  test("never goes below its minimum, and asks whether all is well once an interval", {
    timeout,
  }, async () => {
    let asked = 0;
    let healthy = false;
    const { processor, host, held } = create({
      queueLimit: 9,
      backPressure: { target: 50, interval: 100, min: 3, isHealthy: () => (asked++, healthy) },
    });
    const limit = () => processor.stats().limit;
    ask(processor, 10);
    assert.equal(asked, 0);
    const seen: number[] = [];
    for (let i = 0; i < 12; i++) {
      host.advance(100);
      ask(processor, 20);
      seen.push(limit());
    }
    assert.equal(asked, 12);
    assert.deepEqual(seen.slice(0, 3), [9, 8, 7]);
    assert.equal(seen.at(-1), 3);
    healthy = true;
    await settle();
    held.runs[0].end();
    await settle();
    assert.equal(processor.stats().refused.full, 12 * 20);
  });

  test("left out, as many are accepted however long they wait", { timeout }, async () => {
    const { processor, host, held } = create({ queueLimit: 9 });
    ask(processor, 10);
    for (let i = 0; i < 12; i++) {
      host.advance(10_000);
      await settle();
      held.runs[i].end();
      await settle();
      assert.deepEqual(await accepted(ask(processor, 2)), [true, false]);
    }
    assert.equal(processor.stats().limit, 10);
  });

  test("what isHealthy throws surfaces, and counts as a no", { timeout }, () => {
    const { processor, host } = create({
      queueLimit: 9,
      backPressure: {
        target: 50,
        isHealthy: () => {
          throw new Error("from isHealthy");
        },
      },
    });
    ask(processor, 10);
    host.advance(100);
    assert.match(String(collectThrown(() => void ask(processor, 1))), /from isHealthy/);
    assert.equal(processor.stats().limit, 9);
  });
});

test("what an open circuit refuses takes no place from others", { timeout: 20_000 }, async () => {
  await using processor = new Processor({ workers: 1, queueLimit: 0 });
  processor.handle("fail", () => Promise.reject(new Error("down")), {
    breaker: { window: 1, rate: 1 },
  });
  processor.handle("echo", (text: string) => text);
  await assert.rejects(processor.request("fail").completed, /down/);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(processor.request("fail").accepted, CircuitOpenError);
    assert.equal(await processor.request("echo", "here").completed, "here");
  }
});
