import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { expectMet, investigate, openDistance, Subject, testScenario } from "../../../lab/mod.ts";
import { type Actor, expectSafe, explore, team, type World } from "../../../lab/mod.ts";
import calledOff from "../_scenarios/called_off.ts";
import inLine from "../_scenarios/in_line.ts";
import kinds from "../_scenarios/kinds.ts";
import meeting from "../_scenarios/meeting_scenario.ts";
import ownObjects from "../_scenarios/own_objects.ts";
import recordedRegister from "../_scenarios/recorded_register.ts";

const timeout = 60_000;

// Signals, barriers, who waits, objects of a kind and recorded calls, at every distance.
testScenario(calledOff);
testScenario(inLine);
testScenario(kinds);
testScenario(meeting);
testScenario(ownObjects);
testScenario(recordedRegister);

describe("World.calls()", () => {
  test("an illegal history says which call fits nowhere", { timeout }, async () => {
    await using tasks = openDistance("tasks");
    const result = await investigate(tasks, new Subject(recordedRegister, "stale-copy"));
    expectMet(result);
    assert.equal(
      result.failure?.message,
      "not linearizable: reader: read → 0 fits nowhere after writer: write 1, reader: read → 1, which leave 1",
    );
  });

  test("no order is left out as equivalent, for which calls overlap is not declared", {
    timeout,
  }, async () => {
    await using tasks = openDistance("tasks");
    const { evidence } = await investigate(tasks, new Subject(recordedRegister, "one-place"));
    assert.ok(evidence.kind === "proved" && evidence.orders === evidence.of);
  });
});

describe("World.object()", () => {
  test("a lock whose operations wait is proved, or its deadlock told", { timeout }, async () => {
    await using tasks = openDistance("tasks");
    for (const variant of ["hands-on", "hands-on-nested"]) {
      const { evidence, bestEffort } = await investigate(tasks, new Subject(ownObjects, variant));
      assert.deepEqual([evidence.kind, bestEffort], ["proved", false], variant);
    }
    const { failure } = await investigate(tasks, new Subject(ownObjects, "forgetful"));
    assert.match(failure!.message, /waits to return from enter stile/);
  });

  test("what an operation does in the world it was made with is its actor's step", {
    timeout,
  }, async () => {
    const result = await expectSafe({
      name: "inner steps",
      build: (world) => {
        const own = world.object("own", {
          operations: { twice: "write" },
          tasks: (world) => {
            const inner = world.operation("inner", "write", (who: string) => who);
            return { twice: async (who: string) => await inner(who) + await inner(who) };
          },
        });
        return team(2, async (place) => {
          const who = "AB"[place];
          assert.equal(await own.twice(who), who + who);
        });
      },
    }, { strategy: "exhaustive" });
    assert.equal(result.evidence.kind, "proved");
    assert(result.evidence.orders > 2, "others come in between");
  });

  test("an operation that is not awaited is told", { timeout }, async () => {
    const build = (world: World): Actor[] => {
      const own = world.object("own", {
        operations: { never: "write" },
        tasks: () => ({ never: () => new Promise<void>(() => {}) }),
      });
      return team(2, () => {
        own.never();
        return Promise.resolve();
      });
    };
    const { failure } = await explore({ name: "forgets", build });
    assert.match(failure!.message, /Cannot end: never own has not been awaited/);
  });
});

describe("World.lock()", () => {
  test("a lock that looks for deadlocks refuses the wait that closes the circle", {
    timeout,
  }, async () => {
    const race = (detectDeadlocks: boolean) => ({
      name: "opposite",
      build: (world: World) => {
        const locks = ["left", "right"].map((name) => world.lock(name, { detectDeadlocks }));
        const refused = world.cell("refused", 0);
        const both = async (outer: number) => {
          try {
            await locks[outer].withWrite(() => locks[1 - outer].withWrite(async () => {}));
          } catch (error) {
            if ((error as Error).name !== "DeadlockError") throw error;
            await refused.write(1);
          }
        };
        return team(2, both);
      },
    });
    assert.equal((await explore(race(false))).failure?.kind, "deadlock");
    await expectSafe(race(true));
    const refuses = {
      ...race(true),
      check: ({ refused }: Record<string, number>) => refused === 1 ? "refused" : undefined,
    };
    assert.equal((await explore(refuses)).failure?.message, "refused");
  });

  test("an upgrade waits for the other readers, and a try for nobody", { timeout }, async () => {
    const build = (world: World): Actor[] => {
      const lock = world.lock("lock");
      const count = world.cell("count", 0);
      const add = async () => count.write(await count.read() + 1);
      return [
        {
          name: "upgrader",
          run: async () => {
            const held = await lock.upgradable();
            await held.upgrade();
            await add();
            await held.downgrade();
            assert.equal(await lock.tryWrite(), undefined);
            await held.release();
          },
        },
        { name: "reader", run: () => lock.withRead(async () => {}) },
        {
          name: "trier",
          run: async () => {
            const held = await lock.tryWrite();
            if (held !== undefined) {
              await add();
              await held.release();
            }
            await (await lock.tryRead())?.release();
          },
        },
      ];
    };
    const counted = (wrong: number) => ({ count }: Record<string, number>) =>
      count === 1 || count === 2 && wrong !== 2 ? undefined : `count = ${count}`;
    await expectSafe({ name: "upgrades", build, check: counted(0) });
    // The try may succeed.
    assert.equal(
      (await explore({ name: "upgrades", build, check: counted(2) })).failure?.message,
      "count = 2",
    );
  });

  test("readers pass a waiting writer where the policy lets them", { timeout }, async () => {
    const race = (policy: "fair" | "read-preferring") => ({
      name: "overtaken",
      build: (world: World): Actor[] => {
        const lock = world.lock("lock", { policy });
        const written = world.cell("written", 0);
        const before = world.cell("before", 0);
        return [
          { name: "writer", run: () => lock.withWrite(() => written.write(1)) },
          {
            name: "reader",
            run: () =>
              lock.withRead(() =>
                lock.withRead(async () => {
                  if (await written.read() === 0) await before.write(1);
                })
              ),
          },
        ];
      },
    });
    // A reader that waits for itself behind a writer: not with readers preferred.
    assert.equal((await explore(race("fair"))).failure?.kind, "deadlock");
    await expectSafe(race("read-preferring"));
  });
});
