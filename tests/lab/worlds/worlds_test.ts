import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import {
  decodeSchedule,
  describeOutcome,
  ExhaustiveStrategy,
  explore,
  type Outcome,
  RandomStrategy,
  record,
  replay,
} from "../../../lab/engine/mod.ts";
import {
  defineScenario,
  type Distance,
  investigate,
  openDistance,
  type Scenario,
  Subject,
  testScenario,
  UsageError,
  WORLD_NAMES,
  WorldError,
} from "../../../lab/mod.ts";
import lostUpdate from "../../../lab/scenarios/lost_update.ts";
import { ProcessesDistance } from "../../../lab/worlds/processes.ts";
import { here } from "../_here.ts";
import misbehaving from "../_scenarios/misbehaving.ts";
import oppositeLocks from "../_scenarios/opposite_locks.ts";
import readersAndWriter from "../_scenarios/readers_and_writer.ts";

const timeout = 120_000;

// Locks of each distance, explored and run free: a deadlock is noticed, exclusion holds, and the
// twin without exclusion is caught by the same check.
testScenario(readersAndWriter);

/** The message of what B threw at a distance, in the first order that comes. */
async function thrown(distance: Distance, variant: string): Promise<string> {
  const program = await distance.stepped(new Subject(misbehaving, variant));
  const { outcome } = await record(program, new RandomStrategy(1));
  assert.equal(outcome.kind, "threw", JSON.stringify(outcome));
  assert.ok(outcome.kind === "threw" && outcome.actor === "B");
  return String(outcome.error);
}

async function run(distance: Distance, scenario: Scenario, variant: string): Promise<Outcome> {
  const program = await distance.stepped(new Subject(scenario, variant));
  return (await record(program, new RandomStrategy(1))).outcome;
}

for (const world of here(WORLD_NAMES)) {
  describe(`between ${world}`, { timeout }, () => {
    const distance = openDistance(world);
    after(() => distance[Symbol.asyncDispose]());

    test("a deadlock is reported with what each waits for, and the next run is fresh", {
      timeout,
    }, async () => {
      const subject = new Subject(oppositeLocks, "opposite");
      const program = await distance.stepped(subject);
      // A takes its first lock, B takes its first lock, and there they stand.
      const outcomes = [];
      for (let i = 0; i < 3; i++) {
        const { outcome } = await replay(program, [0, 0, 1, 1, 0, 1]);
        outcomes.push(outcome);
      }
      const deadlock = {
        kind: "deadlock",
        waiting: [
          { actor: "A", operation: "enter write right" },
          { actor: "B", operation: "enter write left" },
        ],
      };
      assert.deepEqual(outcomes, [deadlock, deadlock, deadlock]);
      const safe = await distance.stepped(new Subject(oppositeLocks, "same-order"));
      const found = await explore(safe, { strategy: new RandomStrategy(1), budget: 5 });
      assert.equal(found.failure, undefined);
    });

    test("an actor that throws is named, with its error", { timeout }, async () => {
      assert.match(await thrown(distance, "throws"), /^RangeError: B has had enough$/);
      assert.match(await thrown(distance, "throws-nothing"), /undefined/);
    });

    test("what cannot be sent or stored is refused by name", { timeout }, async () => {
      const plain = /messages are plain data/;
      assert.match(await thrown(distance, "sends-function"), plain);
      assert.match(await thrown(distance, "sends-function"), /a function through channel requests/);
      assert.match(await thrown(distance, "sends-map"), /Cannot send a Map through channel/);
      assert.match(await thrown(distance, "writes-text"), /Cannot put string into cell counter/);
      assert.match(await thrown(distance, "writes-too-much"), /Cannot put 2147483648 into cell/);
    });

    test("two operations at once by one actor are refused", { timeout }, async () => {
      assert.match(
        await thrown(distance, "two-at-once"),
        /Cannot read counter: .* has not finished its read counter/,
      );
    });

    test("a run after a failed one starts from the declared state", { timeout }, async () => {
      assert.equal((await run(distance, misbehaving, "throws")).kind, "threw");
      assert.equal((await run(distance, oppositeLocks, "same-order")).kind, "passed");
    });

    if (distance.free !== undefined) {
      test("a free run that throws ends as that, and the next one is right", {
        timeout,
      }, async () => {
        const { outcome, elapsed: elapsedThen } = await distance.free!(
          new Subject(misbehaving, "throws"),
        );
        assert.ok(outcome.kind === "threw" && outcome.actor === "B");
        assert.match(String(outcome.error), /RangeError: B has had enough/);
        // Farther away whoever throws does not tell when.
        const known = world === "tasks" ? elapsedThen > 0 : Number.isNaN(elapsedThen);
        assert.ok(known, `${elapsedThen} ms`);
        const { outcome: next, elapsed } = await distance.free!(new Subject(lostUpdate, "locked"));
        assert.equal(next.kind, "passed");
        assert.ok(elapsed > 0);
      });
    }

    if (distance.free !== undefined) {
      test("a free run that comes to no end has no length", { timeout }, async () => {
        const { outcome, elapsed } = await distance.free!(
          new Subject(misbehaving, "waits-for-ever"),
        );
        assert.equal(outcome.kind, "deadlock");
        assert.ok(Number.isNaN(elapsed), `${elapsed} ms`);
      });
    }

    test("whatever an actor throws is told of in words", { timeout }, async () => {
      // Where even the stack of an error cannot be had, it comes as a message.
      const words = {
        "throws-bare-object": /^B threw .*an object that cannot be shown$/,
        "throws-symbol": /^B threw .*Symbol\(enough\)$/,
        "throws-shy-error": /^B threw .*an object that cannot be shown$/,
        "throws-odd-error": /^B threw (Error: )?7: Symbol\(enough\)$/,
      };
      for (const [variant, expected] of Object.entries(words)) {
        assert.match(describeOutcome(await run(distance, misbehaving, variant)), expected, variant);
      }
      assert.equal((await run(distance, lostUpdate, "locked")).kind, "passed");
    });

    if (world === "workers" || world === "processes" || world === "machines") {
      test("an actor whose worker or process ends is named, and replaced for the next run", {
        timeout,
      }, async () => {
        const program = await distance.stepped(new Subject(misbehaving, "exits"));
        await assert.rejects(record(program, new RandomStrategy(1)), (error) => {
          assert.ok(error instanceof WorldError);
          assert.match(error.message, /Cannot go on with .*(worker|process) .*code 3/);
          return true;
        });
        await assert.rejects(distance.free!(new Subject(misbehaving, "exits")), WorldError);
        assert.equal((await run(distance, lostUpdate, "locked")).kind, "passed");
      });
    }
  });
}

test("what a process prints is not taken for an answer", { timeout }, async () => {
  await using processes = openDistance("processes");
  assert.equal((await run(processes, misbehaving, "prints")).kind, "passed");
  assert.equal((await processes.free!(new Subject(misbehaving, "prints"))).outcome.kind, "passed");
});

test("two locks in opposite orders are found to deadlock, in one order they are proved safe", {
  timeout,
}, async () => {
  await using tasks = openDistance("tasks");
  const opposite = await investigate(tasks, new Subject(oppositeLocks, "opposite"));
  assert.equal(opposite.met, true);
  assert.equal(opposite.failure?.kind, "deadlock");
  const reduced = await investigate(tasks, new Subject(oppositeLocks, "opposite"), {
    strategy: "dpor",
  });
  assert.ok(reduced.failure?.kind === "deadlock" && reduced.schedules <= 5);
  const sameOrder = await tasks.stepped(new Subject(oppositeLocks, "same-order"));
  const found = await explore(sameOrder, { strategy: new ExhaustiveStrategy(), budget: 10_000 });
  assert.equal(found.evidence.kind, "proved");
});

test("a process that dies at its start is named, with what it said", { timeout }, async () => {
  for (
    const [command, says] of [["/bin/false", /code 1/], ["/nowhere/bun", /cannot be run/]] as const
  ) {
    await using processes = new ProcessesDistance([{ name: "bun", command }]);
    await assert.rejects(processes.stepped(new Subject(lostUpdate, "locked")), (error) => {
      assert.ok(error instanceof WorldError);
      assert.match(error.message, /Cannot go on with bun process/);
      assert.match(error.message, says);
      return true;
    });
  }
});

test("Subject refuses what the scenario does not have, and says what it has", { timeout }, () => {
  const refuses = (variant: string, parameters: Record<string, number>, message: RegExp) =>
    assert.throws(() => new Subject(lostUpdate, variant, parameters), {
      name: "UsageError",
      message,
    });
  refuses("nope", {}, /it has unguarded, atomic-cells, locked/);
  refuses("toString", {}, /Cannot find variant "toString"/);
  refuses("locked", { actors: 0 }, /it takes whole numbers from 1 to 16/);
  refuses("locked", { actors: NaN }, /to NaN: it takes whole numbers/);
  refuses("locked", { actors: 2.5 }, /to 2\.5/);
  refuses("locked", { threads: 2 }, /Cannot set parameter "threads" of lost-update: it has actors/);
  assert.ok(UsageError.prototype instanceof Error);
});

test("a schedule found between tasks is the same schedule at every distance", {
  timeout,
}, async () => {
  await using tasks = openDistance("tasks");
  const { schedule } = await investigate(tasks, new Subject(lostUpdate, "unguarded"));
  const { choices } = decodeSchedule(schedule!);
  for (const world of here(["simulation", "workers", "processes", "machines"])) {
    await using distance = openDistance(world);
    const program = await distance.stepped(new Subject(lostUpdate, "unguarded"));
    const near = await replay(await tasks.stepped(new Subject(lostUpdate, "unguarded")), choices);
    const far = await replay(program, choices, near.events);
    assert.deepEqual(far.outcome, near.outcome);
    assert.deepEqual(
      far.events.map(({ actor, operation, result }) => [actor, operation.kind, result]),
      near.events.map(({ actor, operation, result }) => [actor, operation.kind, result]),
    );
  }
});

test("an actor of a free run that never stops asking does not keep the run from its end", {
  timeout,
}, async () => {
  await using tasks = openDistance("tasks");
  const scenario = defineScenario({
    ...lostUpdate,
    variants: {
      spins: {
        expect: "broken",
        symptom: "endless",
        because: "nobody writes what it waits for",
        build: (world) => {
          const cell = world.cell("cell", 0);
          return [{
            name: "A",
            run: async () => {
              while (await cell.read() === 0);
            },
          }];
        },
        check: () => undefined,
      },
    },
  });
  const { outcome } = await tasks.free!(new Subject(scenario, "spins"));
  assert.equal(outcome.kind, "deadlock");
});
