/** Handlers in real Workers: answers, errors, crashes, ends, and how many Workers there are. */
import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  JobLimitError,
  Processor,
  type ProcessorOptions,
  ShutdownError,
  type TraceContext,
  WorkerCrashError,
} from "../../../lib/processor/mod.ts";
import { FakeHost } from "../../_fake_host.ts";
import { Folder } from "../_folder.ts";
import { until } from "../workers/_until.ts";

const timeout = 60_000;
const handlers = new URL("./_handlers.ts", import.meta.url);

/** A processor whose methods are those of `_handlers.ts`. */
function create(options: ProcessorOptions = {}): Processor {
  const processor = new Processor({ workers: 1, label: "jobs", ...options });
  for (
    const method of [
      "echo",
      "thread",
      "fail",
      "die",
      "heed",
      "ignore",
      "spin",
      "block",
      "doubled",
      "traced",
      "later",
    ]
  ) processor.handle(method, handlers);
  return processor;
}

function words(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** How many workers have a thread. */
function threads(processor: Processor): number {
  return processor.stats().workers.filter(({ thread }) => thread).length;
}

async function errorOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return await promise.then(() => assert.fail("it was done"), (error) => error);
}

describe("a handler in a Worker", { timeout }, () => {
  test("does jobs on a thread of its worker's, which is started with the first", {
    timeout,
  }, async () => {
    await using processor = create({ workers: 2 });
    processor.handle("here", () => "here");
    await processor.request("here").completed;
    assert.equal(threads(processor), 0);
    const payload = { text: "hello", bytes: new Uint8Array([1, 2]), when: new Date(5) };
    assert.deepEqual(await processor.request("echo", payload).completed, {
      payload,
      worker: 0,
      id: 2,
      method: "echo",
      kind: "request",
      isMainThread: false,
    });
    assert.equal(threads(processor), 1);
    const first = await processor.request("thread").completed;
    for (let i = 0; i < 5; i++) assert.equal(await processor.request("thread").completed, first);
    assert.equal(threads(processor), 1);
    await processor.notify("echo");
    await processor.idle();
    assert.equal(processor.stats().done, 9);
  });

  test("is the export of the method's name, or the default, or the one that was named", {
    timeout,
  }, async () => {
    await using processor = create();
    processor.handle("no such export", handlers);
    processor.handle("renamed", handlers, { export: "thread" });
    processor.handle("missing", handlers, { export: "nothing" });
    processor.handle("notAFunction", handlers);
    processor.handle("no such module", new URL("./_nothing.ts", import.meta.url));
    assert.equal(await processor.request("no such export").completed, "the default");
    assert.equal(typeof await processor.request("renamed").completed, "number");
    for (const [method, names] of [["missing", "nothing"], ["notAFunction", "notAFunction or d"]]) {
      const { name, message } = await errorOf(processor.request(method).completed);
      assert.equal(name, "TypeError");
      assert.match(
        message,
        new RegExp(`^Cannot run ${method}: file:.*exports no function ${names}`),
      );
    }
    const { message } = await errorOf(processor.request("no such module").completed);
    assert.match(message, /_nothing\.ts/);
    assert.equal(processor.stats().workers[0].crashes, 0);
  });

  test("fails with the error it threw: class, name, message, cause, properties, stack", {
    timeout,
  }, async () => {
    await using processor = create();
    const fail = (how: string) => errorOf(processor.request("fail", how).completed);
    const own = await fail("own");
    assert(own instanceof RangeError);
    assert.deepEqual([own.name, own.message, own.code, own.detail], [
      "OwnError",
      "mine",
      "EOWN",
      { left: 3 },
    ]);
    assert.match(own.stack!, /_handlers\.ts/);
    const cause = own.cause as Error;
    assert(cause instanceof TypeError);
    assert.deepEqual([cause.message, cause.cause], ["below", "deepest"]);
    const several = await fail("aggregate");
    assert(several instanceof AggregateError);
    assert(several.errors[0] instanceof SyntaxError);
    assert.deepEqual([several.message, several.errors[1]], ["several", "two"]);
    const gone = await fail("dom");
    assert(gone instanceof DOMException);
    assert.deepEqual([gone.name, gone.message], ["NotFoundError", "gone"]);
    assert.equal(await fail("string"), "text");
    assert.equal((await fail("circle")).message, "round");
    assert.match(String(await fail("function")), /cannot be sent/);
    const { code, callback } = await fail("property");
    assert.deepEqual([code, callback], [7, undefined]);
    assert.equal(processor.stats().failed, 7);
  });

  test("fails with what can be told of what it threw, whatever that is, and its Worker goes on", {
    timeout,
  }, async () => {
    await using processor = create();
    const fail = (how: string) => errorOf(processor.request("fail", how).completed);
    assert.equal(await fail("nothing"), undefined);
    for (const how of ["textless", "name", "proxy"]) {
      const error = await fail(how);
      assert(error instanceof TypeError, how);
      assert.equal(error.message, "Cannot tell what was thrown: reading it throws");
    }
    const lazy = await fail("getter");
    assert.deepEqual([lazy.message, "lazy" in lazy], ["read me", false]);
    const none = await fail("no errors");
    assert(none instanceof AggregateError);
    assert.deepEqual([none.message, none.errors], ["none", []]);
    const coded = await fail("code");
    assert(coded instanceof DOMException);
    assert.deepEqual([coded.message, coded.code], ["coded", 7]);
    const own = await fail("prototype");
    assert.deepEqual([own instanceof Error, own.message, own.code], [true, "own", undefined]);
    assert.deepEqual([processor.stats().workers[0].crashes, processor.stats().failed], [0, 8]);
  });

  test("may send messages of its own, which are none of the processor's", {
    timeout,
  }, async () => {
    await using processor = create();
    processor.handle("chat", handlers);
    const messages = [null, "done", { type: "progress", run: 1, value: "not yet" }, { run: 1 }];
    assert.equal(await processor.request("chat", messages).completed, "said");
    assert.equal(processor.stats().workers[0].crashes, 0);
  });

  test("a payload or an answer that cannot be sent fails its job alone", {
    timeout,
  }, async () => {
    await using processor = create();
    const answer = await errorOf(processor.request("fail", "answer").completed);
    assert.equal(answer.name, "DataCloneError");
    const payload = await errorOf(processor.request("echo", () => 1).completed);
    assert.equal(payload.name, "DataCloneError");
    assert.equal(typeof await processor.request("thread").completed, "number");
    assert.deepEqual([processor.stats().workers[0].crashes, processor.stats().failed], [0, 2]);
  });

  test("memory is moved to the Worker and back, if asked for", { timeout }, async () => {
    await using processor = create();
    const bytes = new Uint8Array([1, 2, 3]);
    const copied = await processor.request("doubled", bytes).completed;
    assert.deepEqual([copied, bytes], [new Uint8Array([2, 4, 6]), new Uint8Array([1, 2, 3])]);
    const moved = processor.request("doubled", bytes, { transfer: [bytes.buffer] });
    assert.deepEqual(await moved.completed, new Uint8Array([2, 4, 6]));
    assert.equal(bytes.length, 0);
  });

  test("is in the trace of its request", { timeout }, async () => {
    await using processor = create({ trace: true });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const [told, asked] = await processor.request("traced", 0, { traceparent }).completed;
    assert.deepEqual(told, asked);
    const { traceId, parentId } = told as TraceContext;
    assert.deepEqual([traceId, parentId], [
      "0af7651916cd43dd8448eb211c80319c",
      "b7ad6b7169203331",
    ]);
  });

  test("does batches, of which each job has its own answer or error", { timeout }, async () => {
    await using processor = create();
    processor.handleBatch("batch", handlers, { size: 3 });
    const ask = (...all: unknown[]) =>
      Promise.allSettled(all.map((payload) => processor.request("batch", payload).completed));
    const [one, text, two] = await ask(1, "x", 2);
    assert.deepEqual(one, {
      status: "fulfilled",
      value: { double: 2, id: 1, size: 3, method: "batch", worker: 0 },
    });
    assert.deepEqual((two as PromiseFulfilledResult<{ id: number }>).value.id, 3);
    const { reason } = text as PromiseRejectedResult;
    assert(reason instanceof RangeError);
    assert.deepEqual([reason.name, reason.message], ["OwnError", "no number: x"]);
    for (const end of await ask(1, "throw")) {
      assert.match(String((end as PromiseRejectedResult).reason), /^TypeError: the whole batch$/);
    }
    for (const end of await ask(1, "nonsense")) {
      assert.match(
        String((end as PromiseRejectedResult).reason),
        /answered no array for 2 payload/,
      );
    }
  });
});

describe("a Worker that crashes", { timeout }, () => {
  for (
    const [how, exitCode, message] of [
      [
        "throw",
        undefined,
        /^Cannot finish die: its Worker died of RangeError: nobody caught this$/,
      ],
      ["reject", undefined, /^Cannot finish die: its Worker died of RangeError: nobody caught thi/],
      ["3", 3, /^Cannot finish die: its Worker exited with status 3$/],
      ["0", 0, /^Cannot finish die: its Worker exited with status 0$/],
    ] as const
  ) {
    test(`fails its job alone, and is replaced (${how})`, { timeout }, async () => {
      await using processor = create();
      const before = await processor.request("thread").completed;
      const dies = processor.request("die", how).completed;
      const waits = processor.request("thread").completed;
      const error = await errorOf(dies);
      assert(error instanceof WorkerCrashError);
      assert.match(error.message, message);
      assert.equal(error.method, "die");
      if (exitCode === undefined) {
        assert(error.cause instanceof RangeError);
      } else assert.deepEqual([error.exitCode, error.cause], [exitCode, undefined]);
      assert.notEqual(await waits, before);
      const { done, failed, workers } = processor.stats();
      assert.deepEqual([done, failed, workers[0].crashes, threads(processor)], [2, 1, 1, 1]);
    });
  }

  test("touches no other worker, and none is lost however many crash", { timeout }, async () => {
    await using processor = create({ workers: 3 });
    const ends: Promise<unknown>[] = [];
    for (let i = 0; i < 12; i++) {
      ends.push(
        i % 3 === 0
          ? processor.request("die", "1").completed.catch(({ name }) => name)
          : processor.request("echo", i).completed.then(({ payload }) => payload),
      );
    }
    assert.deepEqual(
      await Promise.all(ends),
      Array.from({ length: 12 }, (_, i) => i % 3 === 0 ? "WorkerCrashError" : i),
    );
    const { workers, failed, done } = processor.stats();
    assert.deepEqual([workers.length, failed, done], [3, 4, 8]);
    assert.equal(workers.reduce((sum, { crashes }) => sum + crashes, 0), 4);
  });

  test("fails all jobs of the batch it was doing, and no others", { timeout }, async () => {
    await using processor = create();
    processor.handleBatch("dieTogether", handlers, { size: 2, export: "die" });
    const both = [1, 2].map((i) => errorOf(processor.request("dieTogether", `${i}`).completed));
    const echo = processor.request("echo", 5).completed;
    for (const error of await Promise.all(both)) assert(error instanceof WorkerCrashError);
    assert.equal((await echo).payload, 5);
  });
});

describe("a module or a Worker that cannot be loaded", { timeout }, () => {
  const written = (folder: Folder, name: string, text: string): URL => {
    writeFileSync(folder.at(name), text);
    return pathToFileURL(folder.at(name));
  };

  test("a module that is not there, is none or throws fails its jobs, and its Worker goes on", {
    timeout,
  }, async () => {
    using folder = new Folder();
    await using processor = create();
    const modules: Record<string, URL> = {
      missing: pathToFileURL(folder.at("missing.mjs")),
      wrong: written(folder, "wrong.mjs", "export const x = ;"),
      throwing: written(folder, "throwing.mjs", 'throw new RangeError("at the start");'),
    };
    for (const [method, module] of Object.entries(modules)) {
      processor.handle(method, module);
      for (let i = 0; i < 2; i++) {
        const error = await errorOf(processor.request(method).completed);
        assert(error instanceof Error && !(error instanceof WorkerCrashError), method);
      }
    }
    assert.equal((await processor.request("echo", 1).completed).payload, 1);
    assert.deepEqual([processor.stats().workers[0].crashes, processor.stats().failed], [0, 6]);
  });

  test("a module that ends its Worker fails one job for each Worker", { timeout }, async () => {
    using folder = new Folder();
    await using processor = create();
    const text = 'import process from "node:process"; process.exit(3);';
    processor.handle("exit", written(folder, "exit.mjs", text));
    for (let i = 1; i <= 2; i++) {
      const error = await errorOf(processor.request("exit").completed);
      assert(error instanceof WorkerCrashError);
      assert.deepEqual([error.exitCode, processor.stats().workers[0].crashes], [3, i]);
    }
    assert.equal((await processor.request("echo", 1).completed).payload, 1);
  });

  test("a Worker that cannot even start is not started again before a job needs it", {
    timeout,
  }, async () => {
    // The package, with a module in the place of the one that Workers begin with.
    using folder = new Folder();
    cpSync(new URL("../../../lib", import.meta.url), folder.at("lib"), { recursive: true });
    written(folder, "lib/processor/_thread_main.ts", 'throw new RangeError("it does not start");');
    const { href } = pathToFileURL(folder.at("lib/processor/mod.ts"));
    const broken = await import(href) as { Processor: typeof Processor };
    await using processor = new broken.Processor({ workers: 1 });
    processor.handle("echo", handlers);
    for (let i = 1; i <= 2; i++) {
      const error = await errorOf(processor.request("echo").completed);
      assert.equal(error.name, "WorkerCrashError");
      const [{ crashes, thread }] = processor.stats().workers;
      assert.deepEqual([crashes, thread], [i, false]);
    }
  });
});

describe("jobs in Workers that end before their time", { timeout }, () => {
  test("may be aborted for a reason of which nothing can be told", { timeout }, async () => {
    await using processor = create();
    const shared = words();
    const controller = new AbortController();
    const { completed } = processor.request("heed", shared, { signal: controller.signal });
    const next = processor.request("echo", 1).completed;
    await until(() => Atomics.load(shared, 0) === 1, "the handler to begin");
    const reason = Object.assign(Object.create(null), { callback: () => 1 });
    const ended = errorOf(completed);
    // Not thrown at whoever listens to the signal either: that would be uncaught, and fail the test.
    controller.abort(reason);
    assert.equal(await ended, reason);
    assert.equal((await next).payload, 1);
    assert(Atomics.load(shared, 1) > 0, "the handler was told");
    assert.equal(processor.stats().workers[0].crashes, 0);
  });

  test("a handler is told through its signal, with the reason, and its Worker goes on", {
    timeout,
  }, async () => {
    await using processor = create();
    const thread = await processor.request("thread").completed;
    const shared = words();
    const controller = new AbortController();
    const { completed } = processor.request("heed", shared, { signal: controller.signal });
    await until(() => Atomics.load(shared, 0) === 1, "the handler to begin");
    const reason = new SyntaxError("not any more");
    controller.abort(reason);
    assert.equal(await errorOf(completed), reason);
    assert.equal(await processor.request("thread").completed, thread);
    assert.equal(Atomics.load(shared, 1), "SyntaxError: not any more".length);
    const { abandoned, workers } = processor.stats();
    assert.deepEqual([abandoned, workers[0].crashes], [0, 0]);
  });

  test("a handler that goes on regardless is ended with its Worker, and the place is back before", {
    timeout,
  }, async () => {
    await using processor = create({ queueLimit: 0, grace: 30 });
    const shared = words();
    const before = await processor.request("thread").completed;
    const error = await errorOf(processor.request("ignore", shared, { limit: 20 }).completed);
    assert(error instanceof JobLimitError);
    // Its place has come back; its worker has not yet, so the next job waits for it.
    const next = processor.request("thread");
    assert.equal((await next.accepted).pending, 1);
    assert.equal(processor.stats().abandoned, 1);
    assert.notEqual(await next.completed, before);
    assert.deepEqual([processor.stats().abandoned, threads(processor)], [0, 1]);
    const count = Atomics.load(shared, 0);
    await processor.request("later", 50).completed;
    assert.equal(Atomics.load(shared, 0), count, "it counts no more");
  });

  test("a handler that never yields cannot keep its worker", { timeout }, async () => {
    await using processor = create({ grace: 10 });
    await processor.request("thread").completed;
    // So long that the other could not be done within this test if it had to wait for that.
    const spins = processor.request("spin", 10 * timeout, { limit: 20 }).completed;
    const next = processor.request("thread").completed;
    assert((await errorOf(spins)) instanceof JobLimitError);
    await next;
  });

  test("the time that a Worker takes to start is none of the job's", { timeout }, async () => {
    const host = new FakeHost();
    await using processor = host.build(() => create());
    const { completed } = processor.request("heed", words(), { limit: 10 });
    await Promise.resolve();
    await until(() => processor.stats().active === 1, "the job to begin");
    assert.equal(host.timers, 0, "nothing counts while it starts");
    host.advance(1000);
    await until(() => host.timers === 1, "the Worker to have started");
    host.advance(10);
    assert((await errorOf(completed)) instanceof JobLimitError);
  });

  test("a job may be aborted while its Worker starts", { timeout }, async () => {
    await using processor = create();
    const controller = new AbortController();
    const { completed } = processor.request("echo", 1, { signal: controller.signal });
    await until(() => threads(processor) === 1, "the Worker to be started");
    controller.abort("no");
    assert.equal(await errorOf(completed), "no");
    assert.equal((await processor.request("echo", 2).completed).payload, 2);
    assert.deepEqual([processor.stats().abandoned, processor.stats().workers[0].crashes], [0, 0]);
  });
});

describe("dispatch to Workers", { timeout }, () => {
  test("jobs run on several threads at once, and go to the one with the least to do", {
    timeout,
  }, async () => {
    await using processor = create({ workers: 3 });
    const shared = words();
    const blocked = [1, 2, 3].map(() => processor.request("block", shared).completed);
    await until(() => Atomics.load(shared, 1) === 3, "three threads to block at once");
    assert.deepEqual(processor.stats().workers.map(({ active }) => active), [1, 1, 1]);
    Atomics.store(shared, 0, 1);
    Atomics.notify(shared, 0);
    assert.equal(new Set(await Promise.all(blocked)).size, 3);
  });

  test("a worker that has nothing to do takes what waits for one that is blocked", {
    timeout,
  }, async () => {
    for (const stealing of [true, false]) {
      await using processor = create({ workers: 2, stealing });
      const shared = words();
      const blocked = processor.request("block", shared).completed;
      await until(() => Atomics.load(shared, 1) === 1, "the first worker to block");
      const quick = [1, 2, 3, 4].map((i) => processor.request("echo", i).completed);
      if (stealing) {
        const workers = (await Promise.all(quick)).map(({ worker }) => worker);
        assert.deepEqual(workers, [1, 1, 1, 1]);
      } else {
        // The second has its own, the first keeps one behind what blocks it.
        await until(() => processor.stats().done >= 2, "the second worker's jobs");
        assert(processor.stats().workers[0].queued > 0);
      }
      Atomics.store(shared, 0, 1);
      Atomics.notify(shared, 0);
      await Promise.all([blocked, ...quick]);
    }
  });

  test("threads come with the load, and go when there is none", { timeout }, async () => {
    const host = new FakeHost();
    await using processor = host.build(() => create({ workers: { min: 1, max: 3, idle: 100 } }));
    const shared = words();
    const blocked = [1, 2, 3].map(() => processor.request("block", shared).completed);
    await until(() => Atomics.load(shared, 1) === 3, "three threads to block at once");
    assert.deepEqual([processor.stats().workers.length, threads(processor)], [3, 3]);
    Atomics.store(shared, 0, 1);
    Atomics.notify(shared, 0);
    await Promise.all(blocked);
    host.advance(100);
    assert.deepEqual([processor.stats().workers.length, threads(processor)], [1, 1]);
    assert.equal((await processor.request("echo", 1).completed).payload, 1);
  });

  test("a bulkhead has threads of its own", { timeout }, async () => {
    await using processor = create();
    processor.handle("apart", handlers, { export: "block", bulkhead: { workers: 1 } });
    const shared = words();
    const blocked = processor.request("apart", shared).completed;
    await until(() => Atomics.load(shared, 1) === 1, "the bulkhead's thread to block");
    assert.equal((await processor.request("echo", 1).completed).payload, 1);
    assert.equal(threads(processor), 2);
    Atomics.store(shared, 0, 1);
    Atomics.notify(shared, 0);
    await blocked;
  });
});

describe("shutting down Workers", { timeout }, () => {
  test("finishes their jobs, ends every thread, and nothing of them goes on", {
    timeout,
  }, async () => {
    const processor = create({ workers: 2, grace: 1_000 });
    const shared = words();
    const heeds = words();
    const ignores = errorOf(processor.request("ignore", shared).completed);
    const later = processor.request("later", 20).completed;
    const queued = errorOf(processor.request("heed", heeds).completed);
    const shutdown = processor.shutdown({ timeout });
    await until(() => Atomics.load(shared, 0) > 0, "it to count");
    assert.equal(await later, "later");
    await until(() => Atomics.load(heeds, 0) > 0, "the last one to begin");
    processor.shutdown({ timeout: 0 });
    const report = await shutdown;
    for (const error of [await ignores, await queued]) assert(error instanceof ShutdownError);
    assert.deepEqual(report, { finished: 1, aborted: 2, abandoned: 0 });
    assert(Atomics.load(heeds, 1) > 0, "it was told");
    assert.equal(threads(processor), 0);
    const count = Atomics.load(shared, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 50);
    await promise;
    assert.equal(Atomics.load(shared, 0), count, "it counts no more");
  });

  test("ends a thread that is still starting", { timeout }, async () => {
    const processor = create();
    const echo = errorOf(processor.request("echo", 1).completed);
    assert.deepEqual(await processor.shutdown({ timeout: 0 }), {
      finished: 0,
      aborted: 1,
      abandoned: 0,
    });
    assert((await echo) instanceof ShutdownError);
    const later = create();
    const other = errorOf(later.request("echo", 1).completed);
    await until(() => threads(later) === 1, "the Worker to be started");
    await later.shutdown({ timeout: 0 });
    assert((await other) instanceof ShutdownError);
    assert.equal(threads(later), 0);
  });
});
