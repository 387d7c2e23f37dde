/**
 * Tables under random commands: one command after the other against a model in the plainest words
 * there are, and several processes at once, killed at random steps, against what must hold there.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SimulatedProcess, Simulation } from "../../../lab/worlds/simulation/mod.ts";
import {
  acquireTableLock,
  countPending,
  CsvRow,
  getNextPending,
  listSetAside,
  type NewWrite,
  QueueFullError,
  queueWrite,
  removeFromQueue,
  type SetAsideReason,
  Table,
  type TableLock,
  WriteRefusedError,
} from "../../../lib/queue/mod.ts";
import { LockTimeoutError } from "../../../mod.ts";
import { checkProperty } from "../../_property.ts";
import { runs } from "../../_runs.ts";

const limit = { timeout: runs(300_000, 3_600_000) };
const FILE = "tests/lib/queue/property_test.ts";
const BASE = "/data";
const NAME = "people";
const QUEUE = `${BASE}/${NAME}/queue`;
/** Small, so that the queue is full now and then. */
const QUEUE_LIMIT = 4;
const PROCESSES = 3;

interface Entry {
  readonly id: string;
  readonly write: NewWrite;
  damaged: boolean;
}

/** What a table does, in the plainest words. */
class Model {
  rows: [key: string, value: string][] = [];
  pending: Entry[] = [];
  setAside: [id: string, reason: SetAsideReason][] = [];
  epoch = 0;
  locked = false;

  /** Applies a write if it fits; answers whether it did. */
  apply({ operation, rows }: NewWrite): boolean {
    const at = (key: string) => this.rows.findIndex(([other]) => other === key);
    if (operation === "delete") {
      this.rows = this.rows.filter(([key]) => !rows.some((row) => row.key === key));
      return true;
    }
    if (rows.some(({ key }) => (at(key) === -1) === (operation === "update"))) return false;
    for (const { key, values: [value] } of rows) {
      if (operation === "insert") this.rows.push([key, value]);
      else this.rows[at(key)] = [key, value];
    }
    return true;
  }

  /** Applies what is pending, then `own`; answers what came of it. */
  turn(own?: NewWrite): { drained: number; aside: number; refused: boolean } {
    const before = this.setAside.length;
    let drained = 0;
    for (const { id, write, damaged } of this.pending.splice(0)) {
      if (damaged) this.setAside.push([id, "unreadable"]);
      else if (!this.apply(write)) this.setAside.push([id, "refused"]);
      else drained++;
    }
    const refused = own !== undefined && !this.apply(own);
    if (drained > 0 || own !== undefined && !refused) this.epoch++;
    return { drained, aside: this.setAside.length - before, refused };
  }

  /** What comes first, damaged ones being set aside. */
  next(): Entry | undefined {
    for (;;) {
      const [first] = this.pending;
      if (!first?.damaged) return first;
      this.setAside.push([first.id, "unreadable"]);
      this.pending.shift();
    }
  }
}

const key = fc.constantFrom("a", "b", "c", "d");
const write: fc.Arbitrary<NewWrite> = fc.record({
  operation: fc.constantFrom("insert" as const, "update" as const, "delete" as const),
  rows: fc.uniqueArray(key, { minLength: 1, maxLength: 2 }).chain((keys) =>
    fc.string({ unit: fc.constantFrom(...'xy,"\n'), maxLength: 3 }).map((value) =>
      keys.map((key) => new CsvRow(key, [value]))
    )
  ),
});
const by = fc.nat({ max: PROCESSES - 1 });
const which = fc.nat({ max: 9 });
const of = <T>(value: T) => fc.constant(value);

type Command =
  | { do: "write" | "queue"; by: number; write: NewWrite }
  | { do: "drain" | "next" | "kill"; by: number }
  | { do: "remove"; by: number; which: number }
  | { do: "damage"; which: number }
  | { do: "lock" | "unlock" | "lose power" };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: of("write" as const), by, write }) },
  { weight: 8, arbitrary: fc.record({ do: of("queue" as const), by, write }) },
  { weight: 3, arbitrary: fc.record({ do: of("drain" as const), by }) },
  { weight: 3, arbitrary: fc.record({ do: of("next" as const), by }) },
  { weight: 3, arbitrary: fc.record({ do: of("remove" as const), by, which }) },
  { weight: 1, arbitrary: fc.record({ do: of("damage" as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: of("lock" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: of("unlock" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: of("kill" as const), by }) },
  { weight: 1, arbitrary: fc.record({ do: of("lose power" as const) }) },
);

/** A machine with some processes, each with the table open, and one that may hold its lock. */
class Machine {
  readonly simulation: Simulation;
  processes: SimulatedProcess[] = [];
  tables: Table[] = [];
  lock: TableLock | undefined;
  /** Whether files of applied writes may have come back. */
  leftovers = false;

  constructor(seed: number) {
    this.simulation = new Simulation({ seed });
    this.boot();
  }

  boot(): void {
    for (let i = 0; i < PROCESSES; i++) this.restart(i);
    this.lock = undefined;
  }

  restart(i: number): void {
    const process = this.simulation.process();
    this.processes[i] = process;
    this.tables[i] = process.build(() => new Table(BASE, NAME, { queueLimit: QUEUE_LIMIT }));
  }

  async outcome<T>(promise: Promise<T>): Promise<T | Error> {
    return await this.simulation.finish(promise.catch((error: Error) => error));
  }
}

/** Carries a command out, on the machine and in the model, which must answer alike. */
async function carryOut(command: Command, machine: Machine, model: Model): Promise<void> {
  const { simulation, processes, tables } = machine;
  const add = (write: NewWrite, answer: unknown) => {
    if (model.pending.length >= QUEUE_LIMIT) return assert(answer instanceof QueueFullError);
    assert(typeof answer === "string", String(answer));
    model.pending.push({ id: answer, write, damaged: false });
  };
  switch (command.do) {
    case "write": {
      const { by, write } = command;
      const answer = await machine.outcome(tables[by].write(write, { timeout: 0 }));
      if (model.locked) {
        return add(write, "state" in answer && answer.state === "queued" ? answer.id : answer);
      }
      machine.leftovers = false;
      const { drained, aside, refused } = model.turn(write);
      if (refused) return assert(answer instanceof WriteRefusedError, String(answer));
      assert("state" in answer && answer.state === "applied", String(answer));
      const { setAside, epoch } = answer;
      assert.deepEqual([answer.drained, setAside.length, epoch], [drained, aside, model.epoch]);
      return;
    }
    case "queue": {
      const { by, write } = command;
      const options = { limit: QUEUE_LIMIT };
      const queued = processes[by].build(() => queueWrite(BASE, NAME, write, options));
      return add(write, await machine.outcome(queued));
    }
    case "drain": {
      const answer = await machine.outcome(tables[command.by].drain({ timeout: 0 }));
      if (model.locked && (model.pending.length > 0 || machine.leftovers)) {
        if (answer instanceof LockTimeoutError) return;
        assert(model.pending.length === 0, "it drained without the lock");
      }
      assert(!(answer instanceof Error), String(answer));
      const { drained, aside } = model.turn();
      assert.deepEqual([answer.drained, answer.setAside.length], [drained, aside]);
      return;
    }
    case "next": {
      const answer = await machine.outcome(
        processes[command.by].build(() => getNextPending(BASE, NAME)),
      );
      assert(!(answer instanceof Error), String(answer));
      const expected = model.next();
      assert.equal(answer?.id, expected?.id);
      if (answer === undefined) return;
      const { operation, rows } = answer.write;
      assert.deepEqual({ operation, rows }, { ...expected!.write });
      return;
    }
    case "remove": {
      const { by, which } = command;
      const asides = model.setAside.map(([id]) => id);
      const ids = [...model.pending.map(({ id }) => id), ...asides];
      if (ids.length === 0) return;
      const id = ids[which % ids.length];
      const answer = await machine.outcome(
        processes[by].build(() => removeFromQueue(BASE, NAME, id)),
      );
      assert.equal(answer, model.pending.some((entry) => entry.id === id));
      model.pending = model.pending.filter((entry) => entry.id !== id);
      return;
    }
    case "damage": {
      const entry = model.pending[command.which % Math.max(1, model.pending.length)];
      if (entry === undefined) return;
      const { files } = processes[0];
      const name = files.list(QUEUE).find((name) => name.endsWith(`-${entry.id}.json`))!;
      const file = files.open(`${QUEUE}/${name}`, { create: false });
      file.truncate(file.size() - 2);
      file.sync();
      file.close();
      entry.damaged = true;
      return;
    }
    case "lock":
      if (model.locked) return;
      machine.lock = await simulation.finish(
        simulation.process().build(() => acquireTableLock(BASE, NAME)),
      );
      model.locked = true;
      return;
    case "unlock":
      machine.lock?.release();
      model.locked = false;
      return;
    case "kill":
      processes[command.by].kill();
      return machine.restart(command.by);
    case "lose power":
      simulation.losePower();
      machine.boot();
      machine.leftovers = true;
      model.locked = false;
  }
}

function compare({ processes, tables }: Machine, model: Model): void {
  const [process] = processes;
  for (const table of tables) {
    const { rows, epoch } = table.read();
    assert.deepEqual([...rows.values()].map(({ key, values }) => [key, values[0]]), model.rows);
    assert.equal(epoch, model.epoch);
    assert.equal(table.countPending(), model.pending.length);
  }
  assert.equal(process.build(() => countPending(BASE, NAME)), model.pending.length);
  const aside = process.build(() => listSetAside(BASE, NAME));
  const expected = model.setAside.toSorted();
  assert.deepEqual(aside.map(({ id, reason }) => [id, reason]).toSorted(), expected);
  for (const { timers } of processes) assert.equal(timers, 0);
}

test("a table does as its model, whatever it is told, by whatever process", limit, async () => {
  const seen = new Set<string>();
  await checkProperty(
    fc.asyncProperty(
      fc.array(command, { maxLength: 40, size: "max" }),
      fc.nat(),
      async (commands, seed) => {
        const machine = new Machine(seed);
        const model = new Model();
        for (const command of commands) {
          await carryOut(command, machine, model);
          compare(machine, model);
          seen.add(command.do);
          if (model.pending.length === QUEUE_LIMIT) seen.add("full");
          for (const [, reason] of model.setAside) seen.add(reason);
        }
        machine.lock?.release();
        for (const table of machine.tables) table.close();
        for (const process of machine.processes) assert.equal(process.descriptors, 0);
      },
    ),
    FILE,
  );
  // The commands do reach what is compared.
  assert.equal(seen.size, 10 + 3, [...seen].join(", "));
});

type Task = { do: "write" | "queue" | "drain" | "remove"; pause: number };

const task: fc.Arbitrary<Task> = fc.record({
  do: fc.constantFrom("write" as const, "queue" as const, "queue" as const, "drain", "remove"),
  pause: fc.nat({ max: 30 }),
});

/** What processes were told. */
interface Told {
  /** The last number of each producer that was accepted. */
  readonly last: Map<string, number>;
  readonly removed: Set<string>;
}

/** One process's work; each row has the number of the task it comes from. */
async function work(
  process: SimulatedProcess,
  producer: string,
  tasks: readonly Task[],
  { last, removed }: Told,
): Promise<void> {
  const table = process.build(() => new Table(BASE, NAME));
  for (const [n, { do: what, pause }] of tasks.entries()) {
    const key = `${producer}:${n}`;
    const write: NewWrite = { operation: "insert", rows: [new CsvRow(key, [])] };
    if (what === "drain") await table.drain();
    else if (what === "write") {
      await table.write(write, { timeout: 3 });
      last.set(producer, n);
    } else {
      const id = await process.build(() => queueWrite(BASE, NAME, write));
      if (what === "queue") last.set(producer, n);
      else if (await process.build(() => removeFromQueue(BASE, NAME, id))) removed.add(key);
    }
    await process.sleep(pause);
  }
  table.close();
}

test(
  "tables of several processes lose nothing and double nothing, whoever is killed",
  limit,
  async () => {
    await checkProperty(
      fc.asyncProperty(
        fc.array(fc.array(task, { maxLength: 8, size: "max" }), { minLength: 2, maxLength: 4 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 6 }),
        fc.nat(),
        async (lists, kills, seed) => {
          const simulation = new Simulation({ seed });
          const told: Told = { last: new Map(), removed: new Set() };
          simulation.beforeStep = ({ number, process }) => {
            if (kills.includes(number)) process.kill();
          };
          const processes = lists.map(() => simulation.process());
          const done = new Set<SimulatedProcess>();
          const failed: unknown[] = [];
          lists.forEach((tasks, i) => {
            const process = processes[i];
            work(process, `${i}`, tasks, told).then(
              () => done.add(process),
              (error) => process.state === "killed" || failed.push(error),
            );
          });
          await simulation.run();
          simulation.beforeStep = undefined;
          assert.deepEqual(failed, []);
          for (const process of processes) assert(done.has(process) || process.state === "killed");

          const process = simulation.process();
          const table = process.build(() => new Table(BASE, NAME));
          await simulation.finish(table.drain());
          const keys = [...table.read().rows.keys()];
          assert.deepEqual(process.build(() => listSetAside(BASE, NAME)), [], "nothing is doubled");
          for (const [i] of lists.entries()) {
            const own = keys.filter((key) => key.startsWith(`${i}:`)).map((key) =>
              +key.split(":")[1]
            );
            assert.deepEqual(own, own.toSorted((a, b) => a - b), "in the order of each");
          }
          for (const [i, tasks] of lists.entries()) {
            const last = told.last.get(`${i}`) ?? -1;
            for (const [n, { do: what }] of tasks.entries()) {
              if (n > last || what === "drain" || what === "remove") continue;
              assert(keys.includes(`${i}:${n}`), `${i}:${n} was accepted and is lost`);
            }
          }
          for (const key of told.removed) assert(!keys.includes(key), `${key} was removed`);
          assert.equal(table.countPending(), 0);
        },
      ),
      FILE,
    );
  },
);
