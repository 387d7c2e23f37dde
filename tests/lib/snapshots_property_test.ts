/** `Snapshots` against a model that does the same with plain arrays, in random sequences. */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Pin, Snapshots, type UpdateOptions, type WriteInfo } from "../../mod.ts";
import { FakeHost, settle } from "../_fake_host.ts";
import { checkProperty } from "../_property.ts";

const timeout = 240_000;

type Step =
  | { do: "update"; limit?: number; timeout?: number; signal?: number }
  | { do: "finish"; which: number; well: boolean }
  | { do: "commit"; behind: number; byPin: boolean }
  | { do: "pin"; label?: string }
  | { do: "unpin"; which: number }
  | { do: "watch"; ahead: number; timeout?: number; signal?: number }
  | { do: "abort"; signal: number }
  | { do: "advance"; ticks: number };

// As in `rw_lock_property_test.ts`: lengths that never end at the same moment.
const TICK = 16;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      limit: fc.option(fc.constantFrom(5, 26), { nil: undefined }),
      timeout: fc.option(fc.constantFrom(0, 7, 57), { nil: undefined }),
      signal: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("finish" as const),
      which: fc.nat(4),
      well: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      behind: fc.nat(1),
      byPin: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("pin" as const),
      label: fc.constantFrom(undefined, "a", "b"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("unpin" as const), which: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      ahead: fc.integer({ min: -1, max: 2 }),
      timeout: fc.option(fc.constantFrom(0, 3, 44), { nil: undefined }),
      signal: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), signal: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("advance" as const), ticks: fc.nat(3) }) },
);

interface Writer {
  readonly id: string;
  readonly limit: number;
  readonly signal: number | undefined;
  /** When its wait, and later its run, is over. */
  due: number;
  base: number;
  readonly requestedAt: number;
  startedAt: number | undefined;
}

interface Watcher {
  readonly id: string;
  readonly since: number;
  readonly due: number;
  readonly signal: number | undefined;
}

interface Pinned {
  readonly epoch: number;
  readonly label: string | undefined;
}

/** How `stats()` calls what becomes of a write. */
const ENDS: Record<string, string> = {
  LockTimeoutError: "timedOut",
  UpdateLimitError: "overran",
  ConflictError: "conflicts",
};

/** What snapshots do, said as simply as possible. */
class Model {
  /** The value of each epoch; the last is current. */
  readonly values = ["initial"];
  readonly pinned: Pinned[] = [];
  readonly retired: number[] = [];
  readonly ended = new Map<string, unknown>();
  readonly aborted = new Set<number>();
  readonly counts: Record<string, number> = {
    committed: 0,
    failed: 0,
    timedOut: 0,
    overran: 0,
    aborted: 0,
    conflicts: 0,
  };
  /** How many updates have begun to run, and how many of those have ended. */
  readonly runs = { begun: 0, ended: 0 };
  watchers: Watcher[] = [];
  queue: Writer[] = [];
  running: Writer | undefined;
  now = 0;

  get epoch(): number {
    return this.values.length - 1;
  }

  retire(epoch: number): void {
    if (epoch < this.epoch && !this.pinned.some((pin) => pin.epoch === epoch)) {
      this.retired.push(epoch);
    }
  }

  publish(value: string): void {
    this.values.push(value);
    for (const watcher of this.watchers.filter(({ since }) => since < this.epoch)) {
      this.leave(watcher, this.epoch);
    }
    this.retire(this.epoch - 1);
  }

  count(how: unknown): void {
    const end = typeof how === "number" ? "committed" : ENDS[String(how)] ?? String(how);
    this.counts[end]++;
  }

  end(writer: Writer, how: unknown): void {
    this.ended.set(writer.id, how);
    this.count(how);
    if (writer === this.running) this.runs.ended++;
    this.queue = this.queue.filter((one) => one !== writer);
    if (this.running === writer) this.running = undefined;
  }

  leave(watcher: Watcher, how: unknown): void {
    this.ended.set(watcher.id, how);
    this.watchers = this.watchers.filter((one) => one !== watcher);
  }

  /** The next writer's turn begins once the event loop has turned. */
  turn(): void {
    if (this.running !== undefined) return;
    const next = this.queue.shift();
    if (next === undefined) return;
    this.running = next;
    next.base = this.epoch;
    next.due = this.now + next.limit;
    next.startedAt = this.now;
    this.runs.begun++;
  }

  advance(ms: number): void {
    this.now += ms;
    for (const watcher of this.watchers.filter(({ due }) => due <= this.now)) {
      this.leave(watcher, "ChangeTimeoutError");
    }
    for (;;) {
      const all = this.running === undefined ? this.queue : [this.running, ...this.queue];
      const due = Math.min(...all.map((writer) => writer.due));
      if (due > this.now) return;
      const writer = all.find((one) => one.due === due)!;
      this.end(writer, writer === this.running ? "UpdateLimitError" : "LockTimeoutError");
    }
  }

  /** What `stats()` should tell, with labels in the place of numbers. */
  stats() {
    const epochs = this.pinned.map(({ epoch }) => epoch);
    const oldest = Math.min(...epochs);
    const pinned = this.pinned.filter(({ epoch }) => epoch === oldest);
    const labels = new Set(pinned.map(({ label }) => label).filter((label) => label !== undefined));
    const info = ({ id, requestedAt, startedAt }: Writer) => ({ id, requestedAt, startedAt });
    return {
      epoch: this.epoch,
      readers: epochs.length,
      oldestPin: pinned.length === 0
        ? undefined
        : { epoch: oldest, readers: pinned.length, labels: [...labels].sort() },
      retained: new Set([...epochs, this.epoch]).size,
      watchers: this.watchers.length,
      pending: this.queue.map(info),
      active: this.running && info(this.running),
      ...this.counts,
      runs: this.runs,
    };
  }
}

/** What `stats()` tells, as the model does. */
function told(snapshots: Snapshots<string>) {
  const { pending, active, oldestPin, wait, run, ...stats } = snapshots.stats();
  const info = ({ label, requestedAt, startedAt }: WriteInfo) => ({
    id: label,
    requestedAt,
    startedAt,
  });
  return {
    ...stats,
    oldestPin: oldestPin && { ...oldestPin, labels: oldestPin.labels.toSorted() },
    pending: pending.map(info),
    active: active && info(active),
    runs: wait && run && { begun: wait.count, ended: run.count },
  };
}

async function follow(steps: readonly Step[]): Promise<void> {
  const host = new FakeHost();
  // Not always, for they take time to tell.
  const times = steps.length % 4 === 0;
  const retired: number[] = [];
  const snapshots = host.build(() =>
    new Snapshots("initial", {
      stats: times,
      onRetire(value, epoch) {
        assert.equal(value, model.values[epoch], "retired with the value it had");
        retired.push(epoch);
      },
    })
  );
  const model = new Model();
  model.now = host.now();
  const controllers = [0, 1, 2].map(() => new AbortController());
  const pins: Pin<string>[] = [];
  const started = new Map<string, PromiseWithResolvers<string>>();
  const signals = new Map<string, AbortSignal>();
  const ended = new Map<string, unknown>();

  const update = (id: string, step: Step & { do: "update" }) => {
    const options: UpdateOptions = { limit: step.limit, timeout: step.timeout, label: id };
    if (step.signal !== undefined) options.signal = controllers[step.signal].signal;
    const held = Promise.withResolvers<string>();
    const done = snapshots.update((value, { epoch, signal }) => {
      assert.deepEqual([value, epoch], [snapshots.current, snapshots.epoch]);
      started.set(id, held);
      signals.set(id, signal);
      return held.promise;
    }, options);
    done.then((epoch) => ended.set(id, epoch), (error) => ended.set(id, error.name ?? error));
    const writer: Writer = {
      id,
      limit: step.limit ?? Infinity,
      signal: step.signal,
      due: model.now + (step.timeout ?? Infinity),
      base: -1,
      requestedAt: model.now,
      startedAt: undefined,
    };
    if (step.signal !== undefined && model.aborted.has(step.signal)) model.end(writer, "aborted");
    else if (step.timeout === 0 && model.running !== undefined) {
      model.end(writer, "LockTimeoutError");
    } else model.queue.push(writer);
  };

  const watch = (id: string, step: Step & { do: "watch" }) => {
    const since = Math.max(0, model.epoch + step.ahead);
    const signal = step.signal === undefined ? undefined : controllers[step.signal].signal;
    snapshots.changed(since, { timeout: step.timeout, signal })
      .then((epoch) => ended.set(id, epoch), (error) => ended.set(id, error.name ?? error));
    const due = model.now + (step.timeout ?? Infinity);
    const watcher: Watcher = { id, since, due, signal: step.signal };
    if (signal?.aborted) model.leave(watcher, "aborted");
    else if (model.epoch > since) model.leave(watcher, model.epoch);
    else if (step.timeout === 0) model.leave(watcher, "ChangeTimeoutError");
    else model.watchers.push(watcher);
  };

  for (const [i, step] of steps.entries()) {
    const id = `#${i}`;
    if (step.do === "update") update(id, step);
    else if (step.do === "watch") watch(id, step);
    else if (step.do === "finish") {
      // Any that has started, so that some end late, when they have been abandoned.
      const which = [...started.keys()].at(-1 - step.which);
      if (which === undefined) continue;
      const held = started.get(which)!;
      started.delete(which);
      if (step.well) held.resolve(id);
      else held.reject("failed");
      const { running } = model;
      if (running?.id === which) {
        const conflict = running.base !== model.epoch;
        if (!step.well) model.end(running, "failed");
        else if (conflict) model.end(running, "ConflictError");
        else {
          model.end(running, model.epoch + 1);
          model.publish(id);
        }
      }
    } else if (step.do === "commit") {
      const epoch = model.epoch - step.behind;
      const base = step.byPin ? pins.find((pin) => pin.epoch === epoch) ?? epoch : epoch;
      if (step.behind === 0) {
        const running = model.running?.id;
        model.count(model.epoch + 1);
        model.publish(id);
        assert.equal(snapshots.commit(base, id), model.epoch);
        if (running !== undefined) assert(signals.get(running)!.aborted);
      } else if (epoch >= 0) {
        model.count("ConflictError");
        assert.throws(() => snapshots.commit(base, id), { name: "ConflictError" });
      }
    } else if (step.do === "pin") {
      pins.push(snapshots.pin(step.label));
      model.pinned.push({ epoch: model.epoch, label: step.label });
    } else if (step.do === "unpin" && pins.length > 0) {
      const at = step.which % pins.length;
      const [pin] = pins.splice(at, 1);
      const [{ epoch }] = model.pinned.splice(at, 1);
      assert.equal(pin.value, model.values[epoch]);
      model.retire(epoch);
      pin[Symbol.dispose]();
      pin[Symbol.dispose]();
    } else if (step.do === "abort") {
      controllers[step.signal].abort("aborted");
      model.aborted.add(step.signal);
      for (const writer of [...model.queue, model.running]) {
        if (writer?.signal === step.signal && writer !== undefined) model.end(writer, "aborted");
      }
      for (const watcher of model.watchers) {
        if (watcher.signal === step.signal) model.leave(watcher, "aborted");
      }
    } else if (step.do === "advance") {
      host.advance(step.ticks * TICK);
      model.advance(step.ticks * TICK);
    }
    await settle();
    model.turn();
    assert.deepEqual([snapshots.current, snapshots.epoch], [model.values.at(-1), model.epoch]);
    assert.deepEqual(retired, model.retired);
    assert.deepEqual(new Map([...ended].sort()), new Map([...model.ended].sort()));
    assert.deepEqual(told(snapshots), { ...model.stats(), ...(times ? {} : { runs: undefined }) });
    const idle = model.running === undefined && model.queue.length + model.watchers.length === 0;
    if (idle) assert.equal(host.timers, 0, "no timer is left when nobody writes or waits");
  }
}

test("Snapshots does what a sequential model does, step by step", { timeout }, async () => {
  const property = fc.asyncProperty(fc.array(step, { size: "max", maxLength: 60 }), follow);
  await checkProperty(property, "tests/lib/snapshots_property_test.ts");
});
