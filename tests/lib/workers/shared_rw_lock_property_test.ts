/**
 * `SharedRwLock` in random sequences of what tasks of several threads may do: after each step,
 * once all has settled, what it says of itself is compared with what its promises allow.
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { type Guard, type LockMode, LockTimeoutError } from "../../../mod.ts";
import { SharedRwLock } from "../../../lib/workers/mod.ts";
import { FakeHost } from "../../_fake_host.ts";
import { checkProperty } from "../../_property.ts";

const timeout = 300_000;
const THREADS = 3;

type Step =
  | { do: "acquire"; thread: number; mode: LockMode; timeout?: number; signal?: number }
  | { do: "try" | "block"; thread: number; mode: LockMode }
  | { do: "release"; which: number }
  | { do: "abort"; signal: number }
  | { do: "advance"; ms: number };

const thread = fc.nat(THREADS - 1);
const mode = fc.constantFrom<LockMode>("read", "write");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      thread,
      mode,
      timeout: fc.option(fc.constantFrom(0, 5, 23, 58), { nil: undefined }),
      signal: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("try" as const, "block" as const), thread, mode }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), signal: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(40) }) },
);

/** One acquire, and what has become of it. */
class Task {
  guard: Guard | undefined;
  /** How it has ended, other than with the lock. */
  ended: "timed out" | "aborted" | undefined;

  constructor(
    readonly name: string,
    readonly thread: number,
    readonly mode: LockMode,
    readonly due: number,
    readonly signal: number | undefined,
  ) {}

  get waits(): boolean {
    return this.guard === undefined && this.ended === undefined;
  }

  get holds(): boolean {
    return this.guard !== undefined && !this.guard.released;
  }
}

class Run {
  readonly host = new FakeHost();
  readonly threads: SharedRwLock[];
  readonly tasks: Task[] = [];
  readonly controllers = [0, 1, 2].map(() => new AbortController());
  now = 0;
  /** Who waited when all had settled last: of each thread, and those first in theirs. */
  before: { own: string[][]; shared: string[] } = { own: [[], [], []], shared: [] };

  constructor() {
    this.threads = this.host.build(() => {
      const lock = SharedRwLock.create();
      const others = Array.from({ length: THREADS - 1 }, () => SharedRwLock.attach(lock.handle));
      return [lock, ...others];
    });
  }

  add(thread: number, mode: LockMode, length = Infinity, signal?: number): Task {
    const task = new Task(`task ${this.tasks.length}`, thread, mode, this.now + length, signal);
    this.tasks.push(task);
    return task;
  }

  /** Whether one that comes now gets in at once. */
  free(mode: LockMode): boolean {
    const holders = this.tasks.filter((task) => task.holds);
    return !this.tasks.some((task) => task.waits) &&
      (mode === "read" ? holders.every((holder) => holder.mode === "read") : holders.length === 0);
  }

  apply(step: Step): void {
    switch (step.do) {
      case "acquire": {
        const task = this.add(step.thread, step.mode, step.timeout, step.signal);
        const signal = step.signal === undefined ? undefined : this.controllers[step.signal].signal;
        const options = { label: task.name, timeout: step.timeout, signal };
        const lock = this.threads[step.thread];
        const promise = step.mode === "read" ? lock.read(options) : lock.write(options);
        promise.then((guard) => task.guard = guard, (error) => {
          assert(error instanceof LockTimeoutError || error === signal?.reason, String(error));
          task.ended = error instanceof LockTimeoutError ? "timed out" : "aborted";
        });
        break;
      }
      case "try": {
        const free = this.free(step.mode);
        const lock = this.threads[step.thread];
        const guard = step.mode === "read" ? lock.tryRead() : lock.tryWrite();
        assert.equal(guard !== undefined, free, "a try succeeds exactly when nobody has to wait");
        guard?.release();
        break;
      }
      case "block": {
        if (!this.free(step.mode)) break;
        const task = this.add(step.thread, step.mode);
        const lock = this.threads[step.thread];
        const options = { label: task.name };
        task.guard = step.mode === "read" ? lock.readSync(options) : lock.writeSync(options);
        break;
      }
      case "release": {
        const holders = this.tasks.filter((task) => task.holds);
        holders[step.which % Math.max(1, holders.length)]?.guard?.release();
        break;
      }
      case "abort":
        this.controllers[step.signal].abort(new Error(`signal ${step.signal}`));
        break;
      case "advance":
        this.now += step.ms;
        this.host.advance(step.ms);
    }
  }

  /** Who is inside, and who waits, by what the threads say; `own` in each thread. */
  look(): { holders: string[]; own: string[][]; shared: string[] } {
    const queries = this.threads.map((lock) => lock.query());
    const isOwn = (label: string | undefined) => label!.startsWith("task");
    const holders = queries.flatMap(({ holders }) =>
      holders.map(({ label }) => label!).filter(isOwn)
    );
    const own = queries.map(({ waiters }) => waiters.map(({ label }) => label!).filter(isOwn));
    // Each sees all that are first in their threads, and knows its own by name.
    const first = Math.max(
      ...queries.map(({ waiters }, index) => waiters.length - Math.max(0, own[index].length - 1)),
    );
    const shared = Array.from(
      { length: first },
      (_, place) =>
        queries.map(({ waiters }) => waiters[place]?.label).find((label) =>
          label !== undefined && isOwn(label)
        ) ?? "nobody",
    );
    return { holders, own, shared };
  }

  /** What is wrong with the state in which all has settled, if anything. */
  wrong(): string | undefined {
    const { holders, own, shared } = this.look();
    const waiting = this.tasks.filter((task) => task.waits);
    const holding = this.tasks.filter((task) => task.holds);
    const modeOf = (name: string) => this.tasks[Number(name.slice(5))].mode;
    const same = (some: readonly string[], others: readonly Task[]) =>
      some.toSorted().join() === others.map((task) => task.name).toSorted().join();

    if (!same(holders, holding)) return `inside are ${holders}`;
    if (!same(own.flat(), waiting)) return `waiting are ${own.flat()}`;
    if (!same(shared, waiting.filter((task) => own[task.thread][0] === task.name))) {
      return `first in their threads are ${shared}`;
    }
    if (holding.length > 1 && holding.some((task) => task.mode === "write")) {
      return `a writer is not alone: ${holders}`;
    }
    for (const task of waiting) {
      if (task.due <= this.now) return `${task.name} should have timed out`;
      if (task.signal !== undefined && this.controllers[task.signal].signal.aborted) {
        return `${task.name} should have aborted`;
      }
    }
    const [first] = shared;
    if (first !== undefined) {
      const mayEnter = holding.length === 0 ||
        modeOf(first) === "read" && holding.every((task) => task.mode === "read");
      if (mayEnter) return `${first} should be inside`;
    }
    return undefined;
  }

  /** Lets all settle that can, and says what nobody may have done meanwhile. */
  async settle(): Promise<void> {
    await setImmediate();
    let wrong = this.wrong();
    for (let turn = 0; wrong !== undefined && turn < 2000; turn++) {
      await setImmediate();
      wrong = this.wrong();
    }
    assert.equal(wrong, undefined);
    const { own, shared } = this.look();
    // Nobody in a queue changes places; the new are behind the old.
    const stays = (before: readonly string[], after: readonly string[]) =>
      before.filter((name) => after.includes(name)).join() ===
        after.slice(0, before.filter((name) => after.includes(name)).length).join();
    own.forEach((names, thread) => assert(stays(this.before.own[thread], names)));
    assert(stays(this.before.shared, shared), `${this.before.shared} became ${shared}`);
    // And nobody got in past one that was ahead and waits still.
    for (const queue of [...this.before.own, this.before.shared]) {
      const held = queue.map((name) => this.tasks[Number(name.slice(5))]);
      held.forEach((task, place) => {
        const passed = held.slice(0, place).find((ahead) => ahead.waits);
        assert(task.guard === undefined || passed === undefined, `${task.name} went past`);
      });
    }
    this.before = { own, shared };
  }
}

test("SharedRwLock keeps its promises in any sequence of steps", { timeout }, async () => {
  await checkProperty(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const run = new Run();
      for (const step of steps) {
        run.apply(step);
        await run.settle();
      }
      // Everything can be given back, and then nothing is left.
      for (let guard = 0; run.tasks.some((task) => task.waits || task.holds); guard++) {
        assert(guard < 200, "someone waits for ever");
        run.apply({ do: "release", which: 0 });
        await run.settle();
      }
      assert.equal(run.host.timers, 0);
      // A flag may have been left by who gave up; one visit takes it away.
      run.threads[0].tryWrite()?.release();
      const word = new Int32Array(run.threads[0].handle.memory)[16];
      assert.equal(word, 0);
    }),
    "tests/lib/workers/shared_rw_lock_property_test.ts",
  );
});
