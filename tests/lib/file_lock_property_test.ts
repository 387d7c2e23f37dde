/**
 * `FileLock` under random commands: in one process against the model that every lock of one process
 * keeps (first come, first served), and in several simulated processes, which are killed too,
 * against what must hold there. A failure prints the seed and the commands.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SimulatedProcess, Simulation } from "../../lab/worlds/simulation/mod.ts";
import { withHost } from "../../lib/_host.ts";
import { FileLock, type Guard, type LockMode } from "../../mod.ts";
import { checkProperty } from "../_property.ts";

const limit = { timeout: 120_000 };
const FILE = "tests/lib/file_lock_property_test.ts";
const PATH = "/lock";

const mode: fc.Arbitrary<LockMode> = fc.constantFrom("read", "write");

/** One acquire: what came of it, and what would end it. */
class Attempt {
  guard: Guard | undefined;
  over = false;
  readonly controller = new AbortController();

  constructor(readonly process: SimulatedProcess, readonly mode: LockMode) {}

  start(lock: FileLock, timeout: number | undefined): void {
    lock[this.mode]({ signal: this.controller.signal, timeout }).then(
      (guard) => this.guard = guard,
      () => this.over = true,
    );
  }

  get inside(): boolean {
    return this.guard !== undefined && !this.guard.released;
  }
}

/** First come, first served, in the plainest words there are. */
class Model {
  inside: Attempt[] = [];
  waiting: Attempt[] = [];

  mayEnter(mode: LockMode): boolean {
    return this.inside.length === 0 ||
      mode === "read" && this.inside.every((one) => one.mode === "read");
  }

  come(attempt: Attempt): void {
    this.waiting.push(attempt);
    this.#letIn();
  }

  leave(attempt: Attempt): void {
    this.inside = this.inside.filter((one) => one !== attempt);
    this.waiting = this.waiting.filter((one) => one !== attempt);
    this.#letIn();
  }

  #letIn(): void {
    while (this.waiting.length > 0 && this.mayEnter(this.waiting[0].mode)) {
      this.inside.push(this.waiting.shift()!);
    }
  }
}

type Command =
  | { do: "acquire"; lock: number; mode: LockMode; timeout: 0 | undefined }
  | { do: "try"; lock: number; mode: LockMode }
  | { do: "release" | "abort"; which: number };

const lock = fc.nat({ max: 2 });
const which = fc.nat({ max: 20 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      lock,
      mode,
      timeout: fc.constantFrom(undefined, undefined, undefined, 0 as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("try" as const), lock, mode }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("release" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), which }) },
);

test(
  "FileLock objects of one process are one fair lock, whatever is done with them",
  limit,
  async () => {
    await checkProperty(
      fc.asyncProperty(fc.array(command, { maxLength: 40, size: "max" }), async (commands) => {
        const simulation = new Simulation();
        const process = simulation.process();
        simulation.symlink(PATH, "/link");
        const locks = withHost(
          process,
          () => [PATH, "/link", PATH].map((path) => new FileLock(path)),
        );
        const model = new Model();
        for (const command of commands) {
          if (command.do === "acquire") {
            const attempt = new Attempt(process, command.mode);
            attempt.start(locks[command.lock], command.timeout);
            const free = model.waiting.length === 0 && model.mayEnter(command.mode);
            if (command.timeout === undefined || free) model.come(attempt);
          } else if (command.do === "try") {
            const free = model.waiting.length === 0 && model.mayEnter(command.mode);
            const attempt = new Attempt(process, command.mode);
            const lock = locks[command.lock];
            attempt.guard = command.mode === "read" ? lock.tryRead() : lock.tryWrite();
            assert.equal(attempt.guard !== undefined, free);
            if (free) model.come(attempt);
          } else if (command.do === "release") {
            const attempt = model.inside[command.which % Math.max(1, model.inside.length)];
            attempt?.guard?.release();
            if (attempt !== undefined) model.leave(attempt);
          } else {
            const attempt = model.waiting[command.which % Math.max(1, model.waiting.length)];
            attempt?.controller.abort();
            if (attempt !== undefined) model.leave(attempt);
          }
          await simulation.settle();
          for (const attempt of model.inside) assert(attempt.inside);
          for (const attempt of model.waiting) assert(attempt.guard === undefined && !attempt.over);
          const modes = (attempts: Attempt[]) => attempts.map(({ mode }) => mode);
          const { holders, waiters } = locks[0].query();
          assert.deepEqual(holders.map(({ mode }) => mode), modes(model.inside));
          assert.deepEqual(waiters.map(({ mode }) => mode), modes(model.waiting));
          const held = model.inside.length === 0
            ? []
            : [model.inside[0].mode === "read" ? "shared" : "exclusive"];
          assert.deepEqual(simulation.locks(PATH), held);
        }
        assert.equal(process.timers, 0);
        for (const lock of locks) lock.close();
        for (const attempt of model.waiting) attempt.controller.abort();
        await simulation.settle();
        for (const { guard } of [...model.inside, ...model.waiting]) guard?.release();
        await simulation.settle();
        assert.equal(process.descriptors, 0);
      }),
      FILE,
    );
  },
);

const PROCESSES = 3;
const among = fc.nat({ max: PROCESSES - 1 });

type Event =
  | { do: "acquire"; process: number; mode: LockMode; timeout: number | undefined }
  | { do: "try"; process: number; mode: LockMode }
  | { do: "release" | "abort"; which: number }
  | { do: "kill"; process: number }
  | { do: "look"; process: number }
  | { do: "pass"; ms: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      process: among,
      mode,
      timeout: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("try" as const), process: among, mode }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("release" as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("abort" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), process: among }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("look" as const), process: among }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.integer({ min: 1, max: 40 }),
    }),
  },
);

/** What must hold whenever nobody is in the midst of something. */
function assertExclusive(simulation: Simulation, attempts: Attempt[]): void {
  const inside = attempts.filter((attempt) => attempt.inside);
  if (inside.some(({ mode }) => mode === "write")) assert.equal(inside.length, 1);
  const processes = new Set(inside.map(({ process }) => process));
  const locks = simulation.locks(PATH);
  if (processes.size > 0) {
    assert.equal(locks.length, processes.size, "each process inside holds the flock, no other");
    assert(locks.every((held) => held === (inside[0].mode === "read" ? "shared" : "exclusive")));
  }
}

test("FileLock of several processes excludes, loses no one and leaves nothing", limit, async () => {
  await checkProperty(
    fc.asyncProperty(
      fc.array(event, { maxLength: 60, size: "max" }),
      fc.nat(),
      async (events, seed) => {
        const simulation = new Simulation({ seed });
        const processes = Array.from({ length: PROCESSES }, () => simulation.process());
        const locks = processes.map((one) => withHost(one, () => new FileLock(PATH)));
        const attempts: Attempt[] = [];
        const inside = () => attempts.filter((attempt) => attempt.inside);
        const waiting = () => attempts.filter(({ guard, over }) => guard === undefined && !over);
        for (const event of events) {
          if (event.do === "acquire") {
            const attempt = new Attempt(processes[event.process], event.mode);
            attempt.start(locks[event.process], event.timeout);
            attempts.push(attempt);
          } else if (event.do === "try") {
            const attempt = new Attempt(processes[event.process], event.mode);
            const lock = locks[event.process];
            attempt.guard = event.mode === "read" ? lock.tryRead() : lock.tryWrite();
            attempt.over = true;
            attempts.push(attempt);
          } else if (event.do === "release") {
            inside()[event.which % Math.max(1, inside().length)]?.guard?.release();
          } else if (event.do === "abort") {
            waiting()[event.which % Math.max(1, waiting().length)]?.controller.abort();
          } else if (event.do === "kill") {
            const dead = processes[event.process];
            dead.kill();
            for (let i = attempts.length - 1; i >= 0; i--) {
              if (attempts[i].process === dead) attempts.splice(i, 1);
            }
            processes[event.process] = simulation.process();
            locks[event.process] = withHost(processes[event.process], () => new FileLock(PATH));
          } else if (event.do === "look") {
            const locked = locks[event.process].isLocked();
            assert.equal(locked, simulation.locks(PATH).length > 0);
          } else if (event.do === "pass") {
            await simulation.run(simulation.clock.now() + event.ms);
          }
          await simulation.settle();
          assertExclusive(simulation, attempts);
        }
        // All who are left get their turn, and go.
        const since = simulation.clock.now();
        while (inside().length + waiting().length > 0) {
          for (const { guard } of inside()) guard!.release();
          await simulation.run(simulation.clock.now() + 5);
          assertExclusive(simulation, attempts);
          assert(simulation.clock.now() - since < 60_000, "someone is never let in");
        }
        assert.deepEqual(simulation.locks(PATH), []);
        assert.deepEqual(simulation.locks(PATH + ".interlock-gate"), []);
        for (const process of processes) assert.equal(process.timers, 0);
        for (const lock of locks) lock.close();
        for (const process of processes) assert.equal(process.descriptors, 0);
      },
    ),
    FILE,
  );
});
