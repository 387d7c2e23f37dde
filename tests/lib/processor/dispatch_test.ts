/** Which worker does what, and in which order. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  aging,
  byDeadline,
  byPriority,
  type JobOrder,
  newestFirst,
  type Processor,
  type QueuedJob,
} from "../../../lib/processor/mod.ts";
import { collectThrown, settle } from "../../_fake_host.ts";
import { checkProperty } from "../../_property.ts";
import { beforeIn, type Entry, Heap } from "../../../lib/processor/_schedule.ts";
import { create, type Held } from "./_held.ts";
import fc from "fast-check";

const timeout = 60_000;

/** What each worker has: active and queued. */
function loads(processor: Processor): [number, number][] {
  return processor.stats().workers.map(({ active, queued }) => [active, queued]);
}

/** Ends runs in the order they began, until none is left; answers what they were handed. */
async function drain(held: Held): Promise<unknown[]> {
  for (let ended = 0; ended < held.runs.length; ended++) {
    held.runs[ended].end();
    await settle();
  }
  return held.payloads;
}

describe("concurrency", { timeout }, () => {
  test("as many jobs run at once as there are workers, and no more", { timeout }, async () => {
    const { processor, held } = create({ workers: 4 });
    const jobs = Array.from({ length: 20 }, (_, i) => processor.request("hold", i).completed);
    await settle();
    assert.deepEqual([held.running, held.most], [4, 4]);
    const payloads = await drain(held);
    await Promise.all(jobs);
    assert.equal(held.most, 4);
    assert.deepEqual(payloads, Array.from({ length: 20 }, (_, i) => i));
  });

  test("20 concurrent requests are each answered with their own answer", {
    timeout,
  }, async () => {
    const { processor } = create({ workers: 4 });
    processor.handle("square", async (value: number) => {
      for (let i = 0; i < value % 5; i++) await settle();
      return value * value;
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => processor.request("square", i).completed),
    );
    assert.deepEqual(answers, Array.from({ length: 20 }, (_, i) => i * i));
    assert.deepEqual(processor.stats().workers.map(({ done }) => done > 0), Array(4).fill(true));
  });

  test("a slow job delays nobody that another worker can serve", { timeout }, async () => {
    const { processor, held } = create({ workers: 2 });
    processor.handle("quick", (value: number) => value);
    processor.notify("hold");
    const quick = Array.from({ length: 50 }, (_, i) => processor.request("quick", i).completed);
    assert.equal((await Promise.all(quick)).length, 50);
    assert.equal(held.running, 1);
  });
});

describe("dispatch to the least loaded", { timeout }, () => {
  test("a job goes to the worker that has nothing to do, else to the one with the least", {
    timeout,
  }, async () => {
    const { processor, held } = create({ workers: 3, stealing: false });
    const ask = () => void processor.notify("hold");
    ask();
    ask();
    await settle();
    assert.deepEqual(loads(processor), [[1, 0], [1, 0], [0, 0]]);
    ask();
    ask();
    ask();
    await settle();
    assert.deepEqual(loads(processor), [[1, 1], [1, 1], [1, 0]]);
    held.runs[1].end();
    await settle();
    assert.deepEqual(loads(processor), [[1, 1], [1, 0], [1, 0]]);
    ask();
    ask();
    ask();
    await settle();
    assert.deepEqual(loads(processor), [[1, 2], [1, 1], [1, 1]]);
  });

  test("without stealing a job stays with its worker, though others have nothing to do", {
    timeout,
  }, async () => {
    const { processor, held } = create({ workers: 2, stealing: false });
    for (let i = 0; i < 4; i++) processor.notify("hold", i);
    await settle();
    held.runs[1].end();
    await settle();
    held.runs[2].end();
    await settle();
    assert.deepEqual(loads(processor), [[1, 1], [0, 0]]);
    assert.deepEqual(held.payloads, [0, 1, 3]);
    held.runs[0].end();
    await settle();
    assert.deepEqual(held.payloads, [0, 1, 3, 2]);
    assert.deepEqual(held.runs.map(({ context }) => context.worker), [0, 1, 1, 0]);
  });

  test("with stealing no job waits while a worker has nothing to do, and all begin in order", {
    timeout,
  }, async () => {
    const { processor, held } = create({ workers: 2 });
    for (let i = 0; i < 6; i++) processor.notify("hold", i);
    await settle();
    // The first worker is stuck: the second does its jobs too, each in its turn.
    for (let i = 1; i < 6; i++) {
      held.runs[i].end();
      await settle();
    }
    assert.deepEqual(held.payloads, [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(held.runs.map(({ context }) => context.worker), [0, 1, 1, 1, 1, 1]);
    assert.deepEqual(loads(processor), [[1, 0], [0, 0]]);
    assert.deepEqual(processor.stats().workers.map(({ done }) => done), [0, 5]);
  });
});

describe("adaptive size", { timeout }, () => {
  test("a worker is added when a job comes and all are busy, up to the maximum", {
    timeout,
  }, async () => {
    const { processor, held, host } = create({
      workers: { min: 1, max: 3, idle: 100 },
      queueLimit: 1,
    });
    assert.equal(processor.stats().limit, 6);
    assert.deepEqual(loads(processor), [[0, 0]]);
    for (let i = 0; i < 5; i++) processor.notify("hold", i);
    await settle();
    assert.deepEqual(loads(processor), [[1, 1], [1, 1], [1, 0]]);
    assert.equal(host.timers, 0);
    await drain(held);
    assert.deepEqual(loads(processor), [[0, 0], [0, 0], [0, 0]]);
  });

  test("a worker that has had nothing to do for long leaves, down to the minimum", {
    timeout,
  }, async () => {
    const { processor, held, host } = create({ workers: { min: 2, max: 4, idle: 100 } });
    for (let i = 0; i < 4; i++) processor.notify("hold", i);
    await settle();
    held.runs[0].end();
    await settle();
    host.advance(60);
    for (const run of held.runs.slice(1)) run.end();
    await settle();
    host.advance(40);
    assert.deepEqual(processor.stats().workers.map(({ worker }) => worker), [1, 2, 3]);
    // One that gets something to do stays.
    processor.notify("hold", 4);
    await settle();
    host.advance(59);
    assert.equal(processor.stats().workers.length, 3);
    held.runs[4].end();
    await settle();
    host.advance(1);
    assert.deepEqual(processor.stats().workers.map(({ worker }) => worker), [1, 3]);
    host.advance(1000);
    assert.equal(processor.stats().workers.length, 2);
    assert.equal(host.timers, 0);
    // The lowest numbers that are free are given again.
    for (let i = 0; i < 4; i++) processor.notify("hold", i);
    await settle();
    assert.deepEqual(processor.stats().workers.map(({ worker }) => worker), [0, 1, 2, 3]);
  });

  test("what the workers that have left have done is still counted", { timeout }, async () => {
    const { processor, held, host } = create({ workers: { min: 1, max: 2, idle: 10 } });
    for (let i = 0; i < 2; i++) processor.notify("hold", i);
    await settle();
    await drain(held);
    host.advance(10);
    const { done, latency, workers } = processor.stats();
    assert.deepEqual([done, latency.count, workers.length], [2, 2, 1]);
  });
});

describe("orders", { timeout }, () => {
  type Asked = [payload: number, options: { priority?: number; timeout?: number }];

  /** In which order jobs begin that all wait. */
  async function orderOf(order: JobOrder | undefined, asked: Asked[], each = 0, workers = 1) {
    const { processor, held, host } = create({ order, workers, queueLimit: 1000 });
    for (let i = 0; i < workers; i++) processor.notify("hold", -1);
    await settle();
    for (const [payload, options] of asked) {
      host.advance(each);
      processor.request("hold", payload, options);
    }
    const payloads = await drain(held);
    return payloads.slice(workers);
  }

  test("left out, it is the order of acceptance", { timeout }, async () => {
    assert.deepEqual(await orderOf(undefined, [[1, {}], [2, {}], [3, {}]]), [1, 2, 3]);
  });

  test("byPriority: the higher first, and equals in the order of acceptance", {
    timeout,
  }, async () => {
    const asked: Asked[] = [
      [1, {}],
      [2, { priority: 5 }],
      [3, { priority: -1 }],
      [4, { priority: 5 }],
      [5, { priority: 0.5 }],
      [6, {}],
    ];
    assert.deepEqual(await orderOf(byPriority, asked), [2, 4, 5, 1, 6, 3]);
    assert.deepEqual(await orderOf(byPriority, asked, 0, 3), [2, 4, 5, 1, 6, 3]);
  });

  test("byDeadline: those first that must begin first, and those without a timeout last", {
    timeout,
  }, async () => {
    const asked: Asked[] = [
      [1, {}],
      [2, { timeout: 500 }],
      [3, { timeout: 300 }],
      [4, {}],
      [5, { timeout: 400 }],
    ];
    assert.deepEqual(await orderOf(byDeadline, asked), [3, 5, 2, 1, 4]);
  });

  test("newestFirst: the last one that came", { timeout }, async () => {
    assert.deepEqual(await orderOf(newestFirst, [[1, {}], [2, {}], [3, {}]]), [3, 2, 1]);
  });

  test("aging: waiting makes up for priority, so that no job starves", { timeout }, async () => {
    const asked: Asked[] = [[1, {}], [2, { priority: 1 }], [3, { priority: 1 }], [4, {
      priority: 3,
    }]];
    // They come 10 ms apart: a step of priority is worth 15 ms, then 5, then nothing, then all.
    assert.deepEqual(await orderOf(aging(15), asked, 10), [4, 2, 1, 3]);
    assert.deepEqual(await orderOf(aging(5), asked, 10), [1, 2, 3, 4]);
    assert.deepEqual(await orderOf(aging(0), asked, 10), [1, 2, 3, 4]);
    assert.deepEqual(await orderOf(aging(Infinity), asked, 10), [4, 2, 3, 1]);
    assert.throws(() => aging(-1), { name: "RangeError" });
    assert.throws(() => aging(NaN), { name: "RangeError" });
  });

  test("an order of one's own sees what waits", { timeout }, async () => {
    const seen: QueuedJob[] = [];
    const shortest: JobOrder = (a, b) => {
      seen.push(a, b);
      return (a.payload as number) - (b.payload as number);
    };
    assert.deepEqual(await orderOf(shortest, [[30, { timeout: 9 }], [10, {}], [20, {}]]), [
      10,
      20,
      30,
    ]);
    const { id, method, kind, priority, payload, acceptedAt, due } = seen.find(({ payload }) =>
      payload === 30
    )!;
    assert.deepEqual([id, method, kind, priority, payload, acceptedAt, due], [
      2,
      "hold",
      "request",
      0,
      30,
      1000,
      1009,
    ]);
  });

  test("an order that throws or answers nonsense loses nothing", { timeout }, async () => {
    for (const order of [() => NaN, () => undefined as never, () => 1, () => -1] as JobOrder[]) {
      const payloads = await orderOf(order, [[1, {}], [2, {}], [3, {}], [4, {}]]);
      assert.deepEqual(payloads.toSorted(), [1, 2, 3, 4]);
    }
    const { processor, held } = create({
      order: () => {
        throw new Error("from the order");
      },
    });
    processor.notify("hold", 0);
    await settle();
    const thrown = collectThrown(() => {
      for (const payload of [1, 2]) processor.notify("hold", payload);
    });
    assert.match(String(thrown[0]), /from the order/);
    const { reject } = Promise;
    Promise.reject = () => new Promise(() => {});
    try {
      assert.deepEqual(await drain(held), [0, 1, 2]);
    } finally {
      Promise.reject = reject;
    }
  });

  test("a heap of those who wait is in order whoever leaves it", { timeout }, async () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant("add" as const), priority: fc.nat(5) }),
      fc.record({ do: fc.constant("shift" as const) }),
      fc.record({ do: fc.constant("remove" as const), which: fc.nat(30) }),
    );
    const property = fc.property(fc.array(command, { size: "max", maxLength: 100 }), (commands) => {
      const before = beforeIn(byPriority);
      const heap = new Heap<Entry>(before);
      let model: Entry[] = [];
      commands.forEach((step, id) => {
        if (step.do === "add") {
          const key = { id, priority: step.priority } as QueuedJob;
          const entry: Entry = { key, chunk: undefined, place: 0 };
          heap.add(entry);
          model.push(entry);
          model.sort((a, b) => before(a, b) ? -1 : 1);
        } else if (model.length > 0) {
          const at = step.do === "shift" ? 0 : step.which % model.length;
          heap.remove(model[at]);
          model = model.toSpliced(at, 1);
        }
        assert.equal(heap.first, model[0]);
        assert.equal([...heap].length, model.length);
      });
      for (const entry of model) {
        assert.equal(heap.first, entry);
        heap.remove(entry);
      }
    });
    await checkProperty(property, "tests/lib/processor/dispatch_test.ts");
  });
});
