/**
 * `Processor` as a whole. The kinds of test that the AIRS document lists are found so: basic
 * functionality, handler registration, message processing, error handling, configuration and
 * behaviour after the shutdown here; concurrent processing in `dispatch_test.ts`; back-pressure and
 * resource management in `admission_test.ts`; graceful shutdown in `shutdown_test.ts`; statistics in
 * `stats_test.ts`; and what became of its lifetimes of shared references, that nothing is left
 * running, in `alive_test.ts`.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, test } from "node:test";
import {
  type JobContext,
  type JobFailure,
  Processor,
  type ProcessorOptions,
  ShutdownError,
  UnknownMethodError,
} from "../../../lib/processor/mod.ts";
import { outcome, settle } from "../../_fake_host.ts";
import { create } from "./_held.ts";

const timeout = 20_000;

describe("new Processor()", { timeout }, () => {
  test("Processor begins with its workers, no job, and no timer", { timeout }, async () => {
    const { host, processor } = create({ workers: 3 });
    const { label, accepted, queued, active, workers, limit } = processor.stats();
    assert.deepEqual([label, accepted, queued, active], ["jobs", 0, 0, 0]);
    assert.deepEqual(workers.map(({ worker, thread }) => [worker, thread]), [
      [0, false],
      [1, false],
      [2, false],
    ]);
    assert.equal(limit, 3 * 101);
    assert.deepEqual(await processor.shutdown(), { finished: 0, aborted: 0, abandoned: 0 });
    assert.equal(host.timers, 0);
  });

  test("Processor has as many workers as there are processors unless told", { timeout }, () => {
    assert.equal(new Processor().stats().workers.length, navigator.hardwareConcurrency);
    assert.equal(new Processor().stats().label, "the processor");
  });

  const wrong: [ProcessorOptions, typeof TypeError, RegExp][] = [
    [5 as never, TypeError, /^Cannot create processor: options must be an object, got 5$/],
    [{ label: 5 as never }, TypeError, /label must be a string, got 5$/],
    [{ workers: 0 }, RangeError, /workers must be a whole number from 1 up, got 0$/],
    [{ workers: 1.5 }, RangeError, /workers must be a whole number from 1 up, got 1.5$/],
    [{ workers: "4" as never }, TypeError, /workers must be a whole number from 1 up, got "4"$/],
    [{ workers: null as never }, TypeError, /workers must be a whole number from 1 up, got null$/],
    [{ workers: { min: 3, max: 2 } }, RangeError, /workers.min must be .* from 1 to 2, got 3$/],
    [{ workers: { min: 0, max: 2 } }, RangeError, /workers.min must be .* from 1 to 2, got 0$/],
    [{ workers: { min: 1 } as never }, TypeError, /workers.max must be .*, got undefined$/],
    [{ workers: { min: 1, max: 2, idle: -1 } }, RangeError, /workers.idle must be 0 or more/],
    [{ queueLimit: -1 }, RangeError, /queueLimit must be a whole number from 0 up, got -1$/],
    [{ queueLimit: NaN }, RangeError, /queueLimit must be a whole number from 0 up, got NaN$/],
    [{ order: "fifo" as never }, TypeError, /order must be a function, got "fifo"$/],
    [{ stealing: 1 as never }, TypeError, /stealing must be true or false, got 1$/],
    [{ trace: "yes" as never }, TypeError, /trace must be true or false, got "yes"$/],
    [{ onFailure: {} as never }, TypeError, /onFailure must be a function, got an object$/],
    [{ shutdownTimeout: -5 }, RangeError, /shutdownTimeout must be 0 or more milliseconds/],
    [{ grace: "1s" as never }, TypeError, /grace must be a number of milliseconds, got "1s"$/],
    [{ backPressure: {} as never }, TypeError, /target must be a number of milliseconds/],
    [{ backPressure: { target: 1, interval: -1 } }, RangeError, /interval must be 0 or more/],
    [{ workers: 1, queueLimit: 1, backPressure: { target: 1, min: 3 } }, RangeError, /1 to 2/],
    [{ backPressure: { target: 1, isHealthy: true as never } }, TypeError, /isHealthy must be a f/],
  ];
  for (const [options, type, message] of wrong) {
    test(`Processor refuses ${JSON.stringify(options)}`, { timeout }, () => {
      assert.throws(() => new Processor(options), (error: Error) => {
        assert.equal(error.constructor, type);
        assert.match(error.message, /^Cannot create processor: /);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test("Processor accepts every configuration that can be meant", { timeout }, async () => {
    for (
      const options of [
        { workers: 1, queueLimit: 0 },
        { workers: 1000 },
        { workers: { min: 2, max: 2 } },
        { workers: { min: 1, max: 8, idle: Infinity }, stealing: false },
        { shutdownTimeout: 0, grace: 0 },
        { backPressure: { target: 0 } },
      ] satisfies ProcessorOptions[]
    ) {
      await using processor = new Processor(options);
      processor.handle("double", (value: number) => 2 * value);
      assert.equal(await processor.request("double", 4).completed, 8);
    }
  });
});

describe("Processor.handle()", { timeout }, () => {
  test("handle() registers methods at any time, and request() finds each one's handler", {
    timeout,
  }, async () => {
    const { processor } = create();
    processor.handle("upper", (text: string) => text.toUpperCase());
    assert.equal(await processor.request("upper", "a").completed, "A");
    processor.handle("lower", (text: string) => Promise.resolve(text.toLowerCase()));
    assert.equal(await processor.request("lower", "B").completed, "b");
    assert.equal(await processor.request("upper", "c").completed, "C");
    assert.deepEqual(Object.keys(processor.stats().methods), ["hold", "upper", "lower"]);
  });

  test("handle() refuses a second handler for a method, until the first is disposed of", {
    timeout,
  }, async () => {
    const { processor } = create();
    const registration = processor.handle("version", () => 1);
    assert.throws(() => processor.handle("version", () => 2), {
      name: "TypeError",
      message: "Cannot handle version: it has a handler; dispose of its registration first",
    });
    assert.equal(await processor.request("version").completed, 1);
    registration[Symbol.dispose]();
    assert((await outcome(processor.request("version").completed)) instanceof UnknownMethodError);
    processor.handle("version", () => 2);
    registration[Symbol.dispose](); // of the first one, which is gone
    assert.equal(await processor.request("version").completed, 2);
  });

  test("disposing of a registration leaves the jobs that were accepted to its handler", {
    timeout,
  }, async () => {
    const { processor, held } = create();
    const registration = processor.handle("version", () => 1);
    const busy = processor.request("hold").completed;
    const waits = processor.request("version").completed;
    registration[Symbol.dispose]();
    processor.handle("version", () => 2);
    await settle();
    held.runs[0].end();
    await busy;
    assert.equal(await waits, 1);
  });

  test("handle() refuses what cannot be a method or a handler", { timeout }, () => {
    const { processor } = create();
    const handle = processor.handle.bind(processor) as (...args: unknown[]) => unknown;
    assert.throws(() => handle("", () => 1), {
      name: "TypeError",
      message: 'Cannot name a method "": it must be a string, and not empty',
    });
    assert.throws(() => handle(5, () => 1), { name: "TypeError" });
    assert.throws(() => handle("x", "file:///x.ts"), {
      name: "TypeError",
      message: "Cannot handle x: the handler must be a function or the URL of a module, " +
        'got "file:///x.ts"',
    });
    const options: [object, RegExp][] = [
      [{ timeout: -1 }, /^Cannot handle x: timeout must be 0 or more/],
      [{ limit: "1" }, /^Cannot handle x: limit must be a number/],
      [{ export: "y" }, /^Cannot handle x: export is for a handler that is given as a module$/],
      [
        { breaker: { rate: 0 } },
        /^Cannot handle x: rate must be more than 0 and at most 1, got 0$/,
      ],
      [{ breaker: { rate: 1.1 } }, /rate must be more than 0 and at most 1, got 1.1$/],
      [{ breaker: { window: 0 } }, /window must be a whole number from 1 up, got 0$/],
      [
        { breaker: { window: 5, minimum: 6 } },
        /minimum must be a whole number from 1 to 5, got 6$/,
      ],
      [{ breaker: { cooldown: -1 } }, /cooldown must be 0 or more/],
      [{ breaker: { trials: 0 } }, /trials must be a whole number from 1 up, got 0$/],
      [{ breaker: { isFailure: 1 } }, /isFailure must be a function, got 1$/],
      [{ breaker: 5 }, /options must be an object, got 5$/],
      [{ bulkhead: { workers: 0 } }, /workers must be a whole number from 1 up, got 0$/],
      [{ bulkhead: null }, /options must be an object, got null$/],
    ];
    for (const [each, message] of options) {
      assert.throws(() => handle("x", () => 1, each), { message });
    }
    assert.throws(() => handle("x", new URL("file:///x.ts"), { export: 5 }), /export must be a st/);
    assert.deepEqual(Object.keys(processor.stats().methods), ["hold"], "nothing was registered");
  });
});

describe("Processor.request()", { timeout }, () => {
  test("request() is accepted at once and completed with the handler's answer", {
    timeout,
  }, async () => {
    const { processor, held } = create();
    const { accepted, completed } = processor.request("hold", "payload");
    assert.deepEqual(await accepted, { id: 1, pending: 1 });
    assert.equal(await outcome(completed), "pending");
    held.runs[0].end("answer");
    assert.equal(await completed, "answer");
    const next = processor.request("hold");
    assert.deepEqual(await next.accepted, { id: 2, pending: 1 });
  });

  test("request() returns before the handler is called, and the handler is told of the job", {
    timeout,
  }, async () => {
    const { processor, held } = create();
    processor.request("hold", "payload");
    assert.equal(held.runs.length, 0);
    await settle();
    const [{ payload, context }] = held.runs;
    assert.equal(payload, "payload");
    const { id, method, kind, priority, worker, trace, signal } = context;
    assert.deepEqual([id, method, kind, priority, worker, trace], [
      1,
      "hold",
      "request",
      0,
      0,
      undefined,
    ]);
    assert.equal(signal.aborted, false);
    assert.equal(context.signal, signal);
  });

  test("request() of a method without a handler is refused at once", { timeout }, async () => {
    const { processor } = create();
    const { accepted, completed } = processor.request("nothing");
    const error = await outcome(accepted);
    assert(error instanceof UnknownMethodError);
    assert.equal(error.message, "Cannot request nothing: jobs has no handler for it");
    assert.equal(error.method, "nothing");
    assert.equal(await outcome(completed), error);
    assert.equal(processor.stats().refused.unknownMethod, 1);
  });

  test("request() throws what cannot be meant", { timeout }, () => {
    const { processor } = create();
    const request = processor.request.bind(processor) as (...args: unknown[]) => unknown;
    const wrong: [unknown[], RegExp][] = [
      [[5], /^Cannot name a method 5/],
      [["hold", 1, { timeout: -1 }], /^Cannot request hold: timeout must be 0 or more/],
      [["hold", 1, { limit: NaN }], /^Cannot request hold: limit must be 0 or more/],
      [["hold", 1, { signal: {} }], /^Cannot request hold: signal must be an AbortSignal/],
      [["hold", 1, { transfer: 1 }], /^Cannot request hold: transfer must be an array, got 1$/],
      [["hold", 1, null], /^Cannot request hold: options must be an object, got null$/],
      [
        ["hold", 1, { priority: 1 }],
        /with a priority: the processor was created without an order$/,
      ],
      [["hold", 1, { priority: NaN }], /priority must be a finite number, got NaN$/],
      [["hold", 1, { traceparent: "00" }], /the processor was created without trace: true$/],
    ];
    for (const [args, message] of wrong) {
      assert.throws(() => request(...args), { message });
    }
    assert.equal(processor.stats().accepted, 0);
  });

  test("a request nobody looks at is no unhandled rejection, refused or failed", {
    timeout,
  }, async () => {
    const { processor } = create();
    processor.handle("fail", () => Promise.reject(new Error("no")));
    processor.request("fail");
    processor.request("nothing");
    const { accepted, completed } = processor.request("nothing");
    await assert.rejects(accepted, UnknownMethodError);
    void completed; // told by the other
    const again = processor.request("nothing");
    void again.accepted;
    await assert.rejects(again.completed, UnknownMethodError);
    await settle();
  });

  test("completed can be asked for after the job has ended", { timeout }, async () => {
    const { processor } = create();
    processor.handle("value", () => 5);
    processor.handle("fail", () => {
      throw new Error("no");
    });
    const value = processor.request("value");
    const fails = processor.request("fail");
    await processor.idle();
    assert.equal(await value.completed, 5);
    assert.equal(value.completed, value.completed);
    await assert.rejects(fails.completed, /no/);
  });
});

describe("Processor.notify()", { timeout }, () => {
  test("notify() resolves when accepted, and the handler runs later", { timeout }, async () => {
    const { processor, held } = create();
    assert.deepEqual(await processor.notify("hold", "news"), { id: 1, pending: 1 });
    await settle();
    assert.deepEqual([held.runs[0].payload, held.runs[0].context.kind], ["news", "notification"]);
    held.runs[0].end();
    await processor.idle();
    assert.equal(processor.stats().done, 1);
  });

  test("notify() rejects what is refused or cannot be meant", { timeout }, async () => {
    const { processor } = create();
    await assert.rejects(processor.notify("nothing"), UnknownMethodError);
    await assert.rejects(processor.notify("hold", 1, { timeout: -1 }), RangeError);
  });
});

describe("handlers that fail", { timeout }, () => {
  test("what a handler throws or rejects with fails its own job and no other", {
    timeout,
  }, async () => {
    const { processor } = create({ workers: 2 });
    const thrown = new RangeError("thrown");
    processor.handle("throws", () => {
      throw thrown;
    });
    processor.handle("rejects", () => Promise.reject("rejected"));
    processor.handle("thenable", () => ({
      get then(): never {
        throw new Error("no such thing");
      },
    }));
    processor.handle(
      "callable",
      () =>
        Object.assign(() => {}, {
          then: (_: unknown, no: (why: string) => void) => no("no such thing"),
        }),
    );
    processor.handle("works", (value: number) => value);
    const all = Array.from({ length: 20 }, (_, i) => [
      processor.request("throws").completed,
      processor.request("works", i).completed,
      processor.request("rejects").completed,
      processor.request("thenable").completed,
      processor.request("callable").completed,
    ]).flat();
    const ends = await Promise.allSettled(all);
    ends.forEach((end, i) => {
      const [throws, works, rejects] = [i % 5 === 0, i % 5 === 1, i % 5 === 2];
      if (works) assert.deepEqual(end, { status: "fulfilled", value: Math.floor(i / 5) });
      else if (throws) assert.deepEqual(end, { status: "rejected", reason: thrown });
      else if (rejects) assert.deepEqual(end, { status: "rejected", reason: "rejected" });
      else assert.match(String((end as PromiseRejectedResult).reason), /no such thing/);
    });
    const { done, failed, methods } = processor.stats();
    assert.deepEqual([done, failed, methods.throws.failed], [20, 80, 20]);
  });

  test("onFailure is told of failures that no promise tells of, and of no others", {
    timeout,
  }, async () => {
    const failures: JobFailure[] = [];
    const { processor, held } = create({ onFailure: (failure) => failures.push(failure) });
    processor.handle("fail", (why: string) => Promise.reject(why));
    await processor.notify("fail", "told");
    processor.request("fail", "told too");
    await assert.rejects(async () => await processor.request("fail", "by promise").completed);
    await processor.notify("hold", "done");
    await settle();
    held.runs[0].end();
    await processor.idle();
    assert.deepEqual(failures, [
      { job: { id: 1, method: "fail", kind: "notification", priority: 0 }, error: "told" },
      { job: { id: 2, method: "fail", kind: "request", priority: 0 }, error: "told too" },
    ]);
  });

  test("what onFailure throws surfaces, and the processor goes on", { timeout }, async () => {
    const rejected: unknown[] = [];
    const { reject } = Promise;
    const { processor } = create({
      onFailure: () => {
        Promise.reject = (reason) => {
          rejected.push(reason);
          Promise.reject = reject;
          return new Promise(() => {});
        };
        throw new Error("from the observer");
      },
    });
    processor.handle("fail", () => {
      throw new Error("no");
    });
    processor.handle("works", () => "still works");
    await processor.notify("fail");
    assert.equal(await processor.request("works").completed, "still works");
    assert.match(String(rejected[0]), /from the observer/);
    assert.equal(processor.stats().failed, 1);
  });
});

test("a handler runs in the async context of its request, also after it has waited", {
  timeout,
}, async () => {
  const { processor, held } = create();
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  processor.handle("where", async () => {
    seen.push(storage.getStore());
    await Promise.resolve();
    seen.push(storage.getStore());
  });
  const busy = storage.run("busy", () => processor.request("hold").completed);
  const waits = ["A", "B"].map((name) =>
    storage.run(name, () => processor.request("where").completed)
  );
  const outside = processor.request("where").completed;
  await settle();
  storage.run("ends", () => held.runs[0].end());
  await Promise.all([busy, ...waits, outside]);
  assert.deepEqual(seen, ["A", "A", "B", "B", undefined, undefined]);
});

test("a handler may request others, register methods and look at the statistics", {
  timeout,
}, async () => {
  const { processor } = create({ workers: 2 });
  processor.handle("outer", async (value: number) => {
    if (processor.stats().methods.inner === undefined) {
      processor.handle("inner", (value: number) => value + 1);
    }
    return 10 * await processor.request("inner", value).completed;
  });
  assert.equal(await processor.request("outer", 1).completed, 20);
});

test("idle() resolves when no job is pending", { timeout }, async () => {
  const { processor, held } = create();
  await processor.idle();
  const job = processor.request("hold").completed;
  processor.notify("hold");
  const idle = processor.idle();
  await settle();
  held.runs[0].end();
  await job;
  assert.equal(await outcome(idle), "pending");
  held.runs[1].end();
  await idle;
});

test("after the shutdown nothing is accepted, and nothing hangs", { timeout }, async () => {
  const { processor, host } = create();
  await processor.shutdown();
  for (const ask of [() => processor.request("hold").completed, () => processor.notify("hold")]) {
    const error = await outcome(ask());
    assert(error instanceof ShutdownError);
    assert.equal(error.message, "Cannot request hold: jobs is shut down");
    assert.deepEqual([error.method, error.accepted], ["hold", false]);
  }
  assert.throws(() => processor.handle("more", () => 1), {
    name: "TypeError",
    message: "Cannot handle more: jobs is shut down",
  });
  await processor.idle();
  assert.deepEqual(await processor.shutdown(), { finished: 0, aborted: 0, abandoned: 0 });
  assert.equal(processor.stats().refused.shutdown, 2);
  assert.equal(host.timers, 0);
});

test("the types of declared methods are checked", { timeout }, async () => {
  interface Api {
    add(terms: { a: number; b: number }): number;
    now(): string;
    later(ms: number): Promise<boolean>;
  }
  await using processor = new Processor<Api>({ workers: 1 });
  processor.handle("add", ({ a, b }, context: JobContext) => a + b + 0 * context.id);
  processor.handle("now", () => "now");
  processor.handle("later", (ms) => ms > 0);
  const sum: number = await processor.request("add", { a: 1, b: 2 }).completed;
  const later: boolean = await processor.request("later", 5).completed;
  assert.deepEqual([sum, later, await processor.request("now").completed], [3, true, "now"]);
  // @ts-expect-error: it takes an object of numbers
  processor.request("add", "text");
  // @ts-expect-error: it takes a payload
  processor.request("later");
  // @ts-expect-error: there is no such method
  processor.request("nothing");
  // @ts-expect-error: it answers a number
  assert.throws(() => processor.handle("add", () => "text"));
});
