/**
 * `SharedSnapshots` against a model that does the same with plain arrays, in random sequences of what
 * tasks of several threads may do: threads are owners attached in one isolate. Who of several that
 * wait comes next is for the lock's own test to say; everything else is compared once all has
 * settled after each step.
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { LockTimeoutError, type Pin, UpdateLimitError } from "../../../mod.ts";
import { OwnerReapedError, SharedSnapshots, SlotTimeoutError } from "../../../lib/workers/mod.ts";
import { FakeHost } from "../../_fake_host.ts";
import { checkProperty } from "../../_property.ts";

const timeout = 600_000;
const THREADS = 3;
const CAPACITY = 6;

type Step =
  | { do: "update"; thread: number; timeout?: number; limit?: number; signal?: number }
  | { do: "finish"; which: number; how: "well" | "badly" | "too long" }
  | { do: "sync"; thread: number }
  | { do: "pin"; thread: number }
  | { do: "reap"; thread: number }
  | { do: "commit"; thread: number; behind: number }
  | { do: "unpin"; which: number }
  | { do: "watch"; thread: number; ahead: number; timeout?: number; signal?: number }
  | { do: "abort"; signal: number }
  | { do: "advance"; ms: number };

const thread = fc.nat(THREADS - 1);
const signal = fc.option(fc.nat(2), { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      thread,
      timeout: fc.option(fc.constantFrom(0, 5, 23, 58), { nil: undefined }),
      limit: fc.option(fc.constantFrom(7, 31), { nil: undefined }),
      signal,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("finish" as const),
      which: fc.nat(3),
      how: fc.constantFrom("well" as const, "well" as const, "badly" as const, "too long" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("sync" as const), thread }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("commit" as const), thread, behind: fc.nat(1) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pin" as const), thread }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("unpin" as const), which: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      thread,
      ahead: fc.nat(2),
      timeout: fc.option(fc.constantFrom(0, 11), { nil: undefined }),
      signal,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reap" as const), thread }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), signal: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(40) }) },
);

/** The bytes of a write: as many as its number says, all of them its number. */
const bytesOf = (number: number) => new Uint8Array(1 + number % CAPACITY).fill(number & 255);

/** A thread in one of its lives. */
class Life {
  reaped = false;
  constructor(readonly thread: number, readonly side: SharedSnapshots) {}
}

/** An update, and what has become of it. */
class Task {
  /** The epoch it was given, once its function has been called. */
  base: number | undefined;
  /** When its function was called. */
  began = 0;
  /** Whether its function has ended. */
  finished = false;
  ended: { epoch: number } | { error: unknown } | undefined;
  readonly result: PromiseWithResolvers<Uint8Array> = Promise.withResolvers();

  constructor(
    readonly number: number,
    readonly life: Life,
    readonly due: number,
    readonly limit: number,
    readonly signal: number | undefined,
  ) {}

  get waits(): boolean {
    return this.base === undefined && this.ended === undefined;
  }

  /** Whether its function runs and its result would be committed. */
  get runs(): boolean {
    return this.base !== undefined && this.ended === undefined && !this.life.reaped;
  }

  /** Whether it keeps the version that it was given. */
  get keeps(): boolean {
    return this.base !== undefined && !this.finished && !this.life.reaped;
  }
}

interface Watch {
  readonly life: Life;
  readonly since: number;
  readonly due: number;
  readonly signal: number | undefined;
  ended: { epoch: number } | { error: unknown } | undefined;
}

class Run {
  readonly host = new FakeHost();
  readonly slots: number;
  readonly lives: Life[];
  readonly tasks: Task[] = [];
  readonly watches: Watch[] = [];
  readonly pins: { life: Life; pin: Pin<Uint8Array> }[] = [];
  readonly controllers = [0, 1, 2].map(() => new AbortController());
  /** The value of each epoch; the last is current. */
  readonly values: Uint8Array[] = [bytesOf(0)];
  #number = 0;
  now = 0;

  constructor(slots: number) {
    this.slots = slots;
    this.lives = this.host.build(() => {
      const first = SharedSnapshots.create(bytesOf(0), { slots, capacity: CAPACITY });
      const others = Array.from(
        { length: THREADS - 1 },
        () => SharedSnapshots.attach(first.handle),
      );
      return [first, ...others].map((side, thread) => new Life(thread, side));
    });
  }

  get epoch(): number {
    return this.values.length - 1;
  }

  /** The epochs that each thread keeps, each once. */
  kept(thread: number): Set<number> {
    const life = this.lives[thread];
    return new Set([
      ...this.pins.filter((each) => each.life === life).map(({ pin }) => pin.epoch),
      ...this.tasks.filter((task) => task.life === life && task.keeps).map((task) => task.base!),
    ]);
  }

  get retained(): Set<number> {
    const kept = this.lives.flatMap((_, thread) => [...this.kept(thread)]);
    return new Set([...kept, this.epoch]);
  }

  get full(): boolean {
    return this.retained.size === this.slots;
  }

  get taken(): boolean {
    return this.tasks.some((task) => (task.runs || task.waits) && !task.life.reaped);
  }

  apply(step: Step): void {
    switch (step.do) {
      case "update":
        return this.update(step);
      case "finish":
        return this.finish(step);
      case "sync":
      case "commit":
        return this.write(step);
      case "pin": {
        const life = this.lives[step.thread];
        const pin = life.side.pin();
        assert.equal(pin.epoch, this.epoch);
        this.pins.push({ life, pin });
        break;
      }
      case "unpin": {
        if (this.pins.length === 0) break;
        const [{ pin }] = this.pins.splice(step.which % this.pins.length, 1);
        pin[Symbol.dispose]();
        pin[Symbol.dispose]();
        break;
      }
      case "watch":
        return this.watch(step);
      case "reap":
        if (step.thread !== 0) this.reap(step.thread);
        break;
      case "abort":
        this.controllers[step.signal].abort(new Error(`signal ${step.signal}`));
        break;
      case "advance":
        this.now += step.ms;
        this.host.advance(step.ms);
    }
  }

  update(step: Step & { do: "update" }): void {
    const { timeout = Infinity, limit = Infinity } = step;
    const life = this.lives[step.thread];
    const task = new Task(++this.#number, life, this.now + timeout, limit, step.signal);
    this.tasks.push(task);
    const signal = step.signal === undefined ? undefined : this.controllers[step.signal].signal;
    life.side.update((value, { epoch }) => {
      assert(!this.tasks.some((other) => other.runs), "two functions run at once");
      assert(!this.full, "a function runs though there is no slot for its result");
      assert.deepEqual([epoch, [...value]], [this.epoch, [...this.values[this.epoch]]]);
      task.base = epoch;
      task.began = this.now;
      return task.result.promise;
    }, { timeout: step.timeout, limit: step.limit, signal }).then(
      (epoch) => task.ended = { epoch },
      (error) => task.ended = { error },
    );
  }

  /** Whether a task waits, or a function still runs, perhaps for nobody: it keeps what it was given. */
  get busy(): boolean {
    return this.tasks.some(({ ended, base, finished }) =>
      ended === undefined || base !== undefined && !finished
    );
  }

  finish({ which, how }: Step & { do: "finish" }): void {
    const running = this.tasks.filter((task) => task.base !== undefined && !task.finished);
    if (running.length === 0) return;
    const task = running[which % running.length];
    if (how === "badly") task.result.reject(new Error("badly"));
    else task.result.resolve(how === "well" ? bytesOf(task.number) : new Uint8Array(CAPACITY + 1));
    if (task.runs && how === "well") this.values.push(bytesOf(task.number));
    task.finished = true;
  }

  write(step: Step & { do: "sync" | "commit" }): void {
    const { side } = this.lives[step.thread];
    const bytes = bytesOf(++this.#number);
    const behind = step.do === "commit" ? step.behind : 0;
    if (behind > this.epoch) return;
    const attempt = () =>
      step.do === "sync"
        ? side.updateSync(() => bytes, { timeout: 0 })
        : side.commitSync(this.epoch - behind, bytes, { timeout: 0 });
    if (behind > 0) assert.throws(attempt, { name: "ConflictError" });
    else if (this.taken) assert.throws(attempt, LockTimeoutError);
    else if (this.full) assert.throws(attempt, SlotTimeoutError);
    else {
      assert.equal(attempt(), this.epoch + 1);
      this.values.push(bytes);
    }
  }

  watch(step: Step & { do: "watch" }): void {
    const { timeout = Infinity } = step;
    const life = this.lives[step.thread];
    const since = Math.max(0, this.epoch - 1 + step.ahead);
    const watch: Watch = {
      life,
      since,
      due: this.now + timeout,
      signal: step.signal,
      ended: undefined,
    };
    this.watches.push(watch);
    const signal = step.signal === undefined ? undefined : this.controllers[step.signal].signal;
    life.side.changed(since, { timeout: step.timeout, signal }).then(
      (epoch) => watch.ended = { epoch },
      (error) => watch.ended = { error },
    );
  }

  reap(thread: number): void {
    const life = this.lives[thread];
    const writing = this.tasks.some((task) => task.life === life && task.runs);
    const pinned = this.kept(thread).size;
    const had = this.lives[0].side.reap(thread);
    assert.equal(had.pinned, pinned);
    // One that waits for a slot has the turn too.
    if (writing) assert(had.writing);
    life.reaped = true;
    for (const { pin } of this.pins.filter((each) => each.life === life)) {
      assert.throws(() => pin.value, OwnerReapedError);
      pin[Symbol.dispose]();
    }
    this.pins.splice(0, Infinity, ...this.pins.filter((each) => each.life !== life));
    assert.throws(() => life.side.pin(), OwnerReapedError);
    this.lives[thread] = new Life(
      thread,
      this.host.build(() => SharedSnapshots.attach(life.side.handle, { owner: thread })),
    );
  }

  aborted(signal: number | undefined): boolean {
    return signal !== undefined && this.controllers[signal].signal.aborted;
  }

  /** What is wrong with the state in which all has settled, if anything. */
  wrong(): string | undefined {
    for (const task of this.tasks) {
      const { number, life, limit, began, ended, base } = task;
      if (ended !== undefined) continue;
      if (this.aborted(task.signal)) return `update ${number} should have aborted`;
      if (task.waits && life.reaped) return `update ${number} waits though its thread is dead`;
      if (task.waits && task.due <= this.now) return `update ${number} should have timed out`;
      if (base !== undefined && task.finished) return `update ${number} has not ended`;
      if (base !== undefined && began + limit <= this.now) return `update ${number} runs too long`;
    }
    const runs = this.tasks.some((task) => task.runs);
    const waits = this.tasks.some((task) => task.waits);
    if (!runs && waits && !this.full) return "nobody writes though somebody wants to";
    for (const { life, since, due, signal, ended } of this.watches) {
      if (ended !== undefined) continue;
      if (this.epoch > since) return "a change was not told";
      if (due <= this.now || this.aborted(signal) || life.reaped) return "somebody watches on";
    }
    return undefined;
  }

  /** How those that have ended may have ended. */
  checkEnds(): void {
    for (const task of this.tasks) {
      const { ended, base, number } = task;
      if (ended === undefined) continue;
      if ("epoch" in ended) {
        assert.equal(ended.epoch, base! + 1);
        assert.deepEqual(this.values[ended.epoch], bytesOf(number));
        continue;
      }
      const { error } = ended as { error: Error };
      const waited = error instanceof LockTimeoutError || error instanceof SlotTimeoutError;
      if (waited) assert(base === undefined && task.due <= this.now, `${error}`);
      else if (error instanceof UpdateLimitError) assert(task.began + task.limit <= this.now);
      else if (error instanceof OwnerReapedError) assert(task.life.reaped, `${error}`);
      else if (error instanceof RangeError) assert(task.finished, `${error}`);
      else if (error.message === "badly") assert(task.finished);
      else assert(this.aborted(task.signal), `${error}`);
    }
    for (const { ended, since, due, signal, life } of this.watches) {
      if (ended === undefined) continue;
      if ("epoch" in ended) assert(ended.epoch > since);
      else {
        const { name } = ended.error as Error;
        if (name === "ChangeTimeoutError") assert(due <= this.now);
        else if (name === "OwnerReapedError") assert(life.reaped);
        else assert(this.aborted(signal), `${ended.error}`);
      }
    }
  }

  /** Lets all settle that can, and compares what each thread finds with the model. */
  async settle(): Promise<void> {
    await setImmediate();
    let wrong = this.wrong();
    for (let turn = 0; wrong !== undefined && turn < 2000; turn++) {
      await setImmediate();
      wrong = this.wrong();
    }
    assert.equal(wrong, undefined);
    this.checkEnds();
    for (const { pin } of this.pins) assert.deepEqual([...pin.value], [...this.values[pin.epoch]]);
    const retained = [...this.retained].sort((a, b) => a - b);
    for (const { side, thread } of this.lives) {
      assert.deepEqual(side.current, this.values[this.epoch]);
      const stats = side.stats();
      assert.deepEqual([side.epoch, stats.epoch], [this.epoch, this.epoch]);
      assert.equal(stats.retained, retained.length);
      const others = this.lives.reduce(
        (sum, _, other) => other === thread ? sum : sum + this.kept(other).size,
        0,
      );
      const own = this.pins.filter(({ life }) => life === this.lives[thread]).length +
        this.tasks.filter((task) => task.life === this.lives[thread] && task.keeps).length;
      assert.equal(stats.readers, own + others);
      const oldest = Math.min(...this.lives.flatMap((_, other) => [...this.kept(other)]));
      assert.equal(stats.oldestPin?.epoch ?? Infinity, oldest);
    }
  }
}

test("SharedSnapshots does what a sequential model does, step by step", { timeout }, async () => {
  await checkProperty(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 4 }),
      fc.array(step, { size: "max", maxLength: 50 }),
      async (slots, steps) => {
        const run = new Run(slots);
        for (const step of steps) {
          run.apply(step);
          await run.settle();
        }
        // Everything can be given back, and then nothing is left.
        for (const controller of run.controllers) controller.abort(new Error("the end"));
        for (let rest = 0; run.pins.length > 0 || run.busy; rest++) {
          assert(rest < 200, "someone waits for ever");
          run.apply({ do: "unpin", which: 0 });
          await run.settle();
          run.apply({ do: "finish", which: 0, how: "well" });
          await run.settle();
        }
        run.lives[0].side.updateSync(() => bytesOf(1), { timeout: 0 });
        await setImmediate();
        const watching = run.watches.some(({ ended }) => ended === undefined);
        if (!watching) assert.equal(run.host.timers, 0);
      },
    ),
    "tests/lib/workers/shared_snapshots_property_test.ts",
  );
});
