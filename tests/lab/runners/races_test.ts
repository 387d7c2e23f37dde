import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RandomStrategy, record } from "../../../lab/engine/mod.ts";
import {
  expectSafe,
  explore,
  models,
  openDistance,
  type Race,
  replay,
  stress,
  Subject,
  team,
  type World,
} from "../../../lab/mod.ts";
import sharing from "../_scenarios/sharing.ts";

const timeout = 60_000;

/** An ordinary class with the usual mistake: what is checked may have changed after the wait. */
class Account {
  balance: number;

  constructor(balance: number, readonly approve: (amount: number) => Promise<boolean>) {
    this.balance = balance;
  }

  async withdraw(amount: number): Promise<boolean> {
    if (this.balance < amount) return false;
    if (!await this.approve(amount)) return false;
    this.balance -= amount;
    return true;
  }
}

/** The same, mended: the check comes after the wait, with nothing between it and the change. */
class CarefulAccount extends Account {
  override async withdraw(amount: number): Promise<boolean> {
    if (!await this.approve(amount) || this.balance < amount) return false;
    this.balance -= amount;
    return true;
  }
}

function withdrawals(Kind: typeof Account, amounts: readonly number[] = [60, 60]): Race {
  return {
    name: "two withdrawals",
    build: (world) => {
      const account = world.shared(
        "account",
        (inner) => new Kind(100, inner.operation("bank", "read", (amount: number) => amount > 0)),
      );
      return team(amounts.length, async (place) => void await account.withdraw(amounts[place]));
    },
    check: (_, { account }) => {
      const { balance } = account as Account;
      return balance < 0 ? `the balance is ${balance}` : undefined;
    },
  };
}

async function messageOf(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  return assert.fail("it did not fail");
}

test(
  "expectSafe() fails with the order, the code and how to run it again",
  { timeout },
  async () => {
    const message = await messageOf(expectSafe(withdrawals(Account)));
    assert.match(message, /the balance is -20/);
    assert.match(message, /step +A +B/);
    assert.match(message, /read bank ← \[60\] → true/);
    assert.match(message, /to see it again: await replay\("il1\.two-withdrawals\.race\./);
  },
);

test(
  "replay() fails as the code failed, and passes once the code is mended",
  { timeout },
  async () => {
    const { schedule } = await explore(withdrawals(Account));
    const message = await messageOf(replay(schedule!, withdrawals(Account)));
    assert.match(message, /replayed 10\/10/);
    // The class is another; the race declares the same, so the code is still good.
    assert.equal((await replay(schedule!, withdrawals(CarefulAccount))).verdict, "safe");
  },
);

test("replay() refuses a code of another race", { timeout }, async () => {
  const { schedule } = await explore(withdrawals(Account));
  await assert.rejects(replay(schedule!, { ...withdrawals(Account), name: "other" }), {
    name: "ScheduleCodeError",
    message: /the code is for two-withdrawals\/race/,
  });
});

test("expectSafe() proves the mended class, counting on nothing that is not declared", {
  timeout,
}, async () => {
  const { evidence } = await expectSafe(withdrawals(CarefulAccount));
  assert.equal(evidence.kind, "proved");
  // What the class does between its operations touches the balance, so no order may be left out.
  const reduced = await expectSafe(withdrawals(CarefulAccount), { strategy: "dpor" });
  const all = await expectSafe(withdrawals(CarefulAccount), { strategy: "exhaustive" });
  assert.equal(reduced.schedules, all.schedules);
});

test("every broken variant is found by every strategy that looks at enough orders", {
  timeout,
}, async () => {
  for (const strategy of ["random", "weighted", "pct", "bounded", "exhaustive", "dpor"] as const) {
    const { verdict } = await explore(withdrawals(Account), { strategy, budget: 100 });
    assert.equal(verdict, "broken", strategy);
  }
});

test("stress() counts how often it goes wrong at full speed", { timeout }, async () => {
  assert.deepEqual(await stress(withdrawals(Account), 20), { times: 20, of: 20 });
  assert.deepEqual(await stress(withdrawals(CarefulAccount), 20), { times: 0, of: 20 });
});

test("fast-check may supply the inputs", { timeout }, async () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(amounts, async (each) => {
      await expectSafe(withdrawals(CarefulAccount, each), { budget: 200 });
    }),
    { numRuns: 30 },
  );
  await assert.rejects(fc.assert(
    fc.asyncProperty(amounts, async (each) => {
      await expectSafe(withdrawals(Account, each), { budget: 200 });
    }),
    { numRuns: 100 },
  ));
});

test("an actor that waits for another's promise is noticed, and the verdict says so", {
  timeout,
}, async () => {
  const result = await expectSafe({
    name: "one fill for all",
    build: (world) => {
      const cache = world.shared("cache", (inner) => {
        const load = inner.operation("source", "read", () => 1);
        let filling: Promise<number> | undefined;
        return { get: () => filling ??= load() };
      });
      return team(2, async () => void await cache.get());
    },
  }, { budget: 20 });
  assert.equal(result.bestEffort, true);
  assert.notEqual(result.evidence.kind, "proved");
});

test("what differs between runs though the engine decides alike is named, with its step", {
  timeout,
}, async () => {
  let runs = 0;
  const result = await explore({
    name: "fickle",
    build: (world) => {
      const counter = world.cell("counter", 0);
      const other = world.cell("other", 0);
      return team(2, async (place) => {
        // Every third run A looks at something else first, which no choice of the engine's explains.
        if (place === 0 && runs++ % 3 === 2) await other.read();
        const seen = await counter.read();
        await counter.write(seen + 1);
      });
    },
    check: ({ counter }) => counter === 2 ? undefined : "lost",
  }, { strategy: "random" });
  assert.equal(result.verdict, "broken");
  assert.match(result.nondeterminism!, /at step \d+ expected .* found /);
});

test("what actors do before their first operation is ordered too", { timeout }, async () => {
  const result = await explore({
    name: "who begins",
    build: (world) => {
      const state = world.shared("state", () => ({ ready: false, missed: false }));
      const step = world.operation("step", "write", () => {});
      return [
        {
          name: "A",
          run: async () => {
            state.ready = true;
            await step();
          },
        },
        {
          name: "B",
          run: async () => {
            if (!state.ready) state.missed = true;
            await step();
          },
        },
      ];
    },
    check: (_, { state }) => (state as { missed: boolean }).missed ? "B came first" : undefined,
  });
  assert.equal(result.verdict, "broken");
});

test("a check may be written with assertions", { timeout }, async () => {
  await assert.rejects(
    expectSafe({
      name: "asserted",
      build: (world) => {
        const x = world.cell("x", 0);
        return team(2, async () => x.write(await x.read() + 1));
      },
      check: ({ x }) => void assert.equal(x, 2, "one is lost"),
    }),
    /one is lost/,
  );
});

test("an operation that is not awaited is an error, and named", { timeout }, async () => {
  const { failure } = await explore({
    name: "not awaited",
    build: (world) => {
      const x = world.cell("x", 0);
      return team(2, () => {
        x.write(1);
        return Promise.resolve();
      });
    },
  });
  assert.match(failure!.message, /threw TypeError: Cannot end: write x has not been awaited/);
});

test(
  "a failure that does not come again is still a failure, and says so",
  { timeout },
  async () => {
    let checks = 0;
    const result = await explore({
      name: "once",
      build: (world) => {
        const x = world.cell("x", 0);
        return team(2, async () => x.write(await x.read()));
      },
      check: () => ++checks === 2 ? "only this once" : undefined,
    });
    assert.equal(result.verdict, "broken");
    assert.match(
      result.nondeterminism!,
      /only this once, and when the same order is run again: passed; no step differs in 11 runs/,
    );
  },
);

test("a failing order that passes when it is run again is told apart by its step", {
  timeout,
}, async () => {
  let asked = 0;
  const race = (wrong: (draw: number) => boolean): Race => ({
    name: "a die",
    build: (world) => {
      const roll = world.operation("die", "read", () => ++asked);
      const result = world.cell("result", 0);
      return team(1, async () => {
        await result.read();
        await result.write(wrong(await roll()) ? 1 : 0);
      });
    },
    check: ({ result }) => result === 1 ? "the wrong number" : undefined,
  });
  // What is read differs in every run; the first time it fails, and then never again.
  const passes = await explore(race((draw) => draw === 1));
  assert.equal(passes.verdict, "broken");
  assert.match(
    passes.nondeterminism!,
    /^the wrong number, and when .* again: passed; at step 2 one run has A: read die ← \[\] → 2, another A: read die ← \[\] → 3$/,
  );
  // And where it fails again each time, what it reads is another number all the same.
  const fails = await explore(race((draw) => draw >= 3));
  assert.deepEqual(fails.reproduced, { times: 10, of: 10 });
  assert.match(
    fails.nondeterminism!,
    /^at step 2 expected A: read die ← \[\] → \d+, found A: read die ← \[\] → /,
  );
});

test("a reduced search in which time passes finds what running every order finds", {
  timeout,
}, async () => {
  const late = (limit: number): Race => ({
    name: "early and late",
    build: (world) => {
      const clock = world.clock("clock");
      const late = world.cell("late", 0);
      const own = world.cell("own", 0);
      return [
        { name: "A", run: async () => void (await clock.now() >= limit && await late.write(1)) },
        { name: "B", run: () => clock.sleep(10) },
        { name: "C", run: async () => void (await own.write(1), await own.write(2)) },
      ];
    },
    check: ({ late }) => late === 1 ? "A looked late" : undefined,
  });
  assert.equal((await explore(late(10), { strategy: "dpor" })).verdict, "broken");
  const { evidence } = await expectSafe(late(11), { strategy: "dpor" });
  const all = await expectSafe(late(11), { strategy: "exhaustive" });
  // A looks before or after time passes; what C does has nothing to do with it.
  assert.deepEqual([evidence.kind, evidence.orders, all.evidence.orders], ["proved", 2, 60]);
});

test("a budget or a strategy that makes no sense is refused", { timeout }, async () => {
  await assert.rejects(explore(withdrawals(Account), { budget: 0 }), RangeError);
  await assert.rejects(explore(withdrawals(Account), { budget: NaN }), RangeError);
  await assert.rejects(
    explore(withdrawals(Account), { strategy: "luck" as "random" }),
    /Cannot explore with strategy "luck": there are portfolio, random/,
  );
});

test("numbers that make no sense are refused", { timeout }, async () => {
  for (const seed of [NaN, 1.5]) {
    await assert.rejects(explore(withdrawals(Account), { seed }), RangeError);
  }
  for (const freeRuns of [NaN, -1, 1.5]) {
    await assert.rejects(explore(withdrawals(CarefulAccount), { freeRuns }), RangeError);
  }
  for (const maxSteps of [NaN, 0]) {
    await assert.rejects(explore(withdrawals(Account), { maxSteps }), RangeError);
  }
  for (const runs of [0, -1, NaN, 1.5]) {
    await assert.rejects(stress(withdrawals(Account), runs), {
      name: "RangeError",
      message: `Cannot run two withdrawals ${runs} times: whole numbers from 1 on`,
    });
  }
});

test("an endless budget ends when every order has been run", { timeout }, async () => {
  // More orders than the first strategies get, of which one class is enough.
  const { evidence, schedules } = await expectSafe({
    name: "three on their own",
    build: (world) => {
      const cells = [0, 1, 2].map((place) => world.cell(`own ${place}`, 0));
      return team(3, async (place) => {
        for (let i = 0; i < 12; i++) await cells[place].write(i);
      });
    },
  }, { budget: Infinity });
  assert.equal(evidence.kind, "proved");
  assert.ok(schedules <= 7_001, `${schedules}`);
});

test("an order that fails though a reduced search took it for another is a failure", {
  timeout,
}, async () => {
  // What is shared in a closure is not declared, so one order seems to be enough.
  let open = false;
  let missed = false;
  const hidden = (declared: boolean): Race => ({
    name: "hidden",
    build: (world) => {
      open = missed = false;
      const [mine, theirs] = declared ? ["door", "door"] : ["mine", "theirs"];
      const opened = world.operation(mine, "write", () => open = true);
      const looked = world.operation(theirs, "read", () => open);
      return [
        { name: "A", run: async () => void await opened() },
        { name: "B", run: async () => void (missed = !await looked()) },
      ];
    },
    check: () => missed ? "B came first" : undefined,
  });
  const result = await explore(hidden(false), { strategy: "dpor" });
  assert.equal(result.schedules, 1);
  assert.equal(result.verdict, "broken");
  assert.equal(result.failure!.message, "B came first");
  assert.deepEqual(result.reproduced, { times: 10, of: 10 });
  assert.match(result.undeclared!, /end as .* and as B came first/);
  // Where it is declared, the search itself finds it.
  assert.equal((await explore(hidden(true), { strategy: "dpor" })).undeclared, undefined);
});

test("what is called outside an actor is refused", { timeout }, async () => {
  let stray: (() => Promise<number>) | undefined;
  await explore({
    name: "stray",
    build: (world) => {
      const holder = world.shared("holder", (inner) => ({
        load: inner.operation("source", "read", () => 1),
      }));
      return [{
        name: "A",
        run: () => {
          stray = holder.load;
          return Promise.resolve();
        },
      }];
    },
  });
  await assert.rejects(stray!(), /Cannot read source: it was not called by an actor/);
});

test("objects of one's own are refused where they cannot be shared", { timeout }, async () => {
  await using workers = openDistance("workers");
  const program = await workers.stepped(new Subject(sharing, "shares"));
  const { outcome } = await record(program, new RandomStrategy(1));
  assert.ok(outcome.kind === "threw");
  assert.match(String(outcome.error), /objects of your own exist between tasks only/);
});

/** Names that are no scenario names are made into ones. */
test("a race may be called anything", { timeout }, async () => {
  const build = (world: World) => {
    const cell = world.cell("x", 0);
    return team(1, () => cell.write(1));
  };
  for (const name of ["", "42", "Ärger im Büro!", "a".repeat(200)]) {
    assert.equal((await explore({ name, build })).verdict, "safe");
  }
});

/** A register with a copy; whoever reads it reads the value and then one of the two. */
const copied = (second: "value" | "copy"): Race => ({
  name: "a register with a copy",
  build: (world) => {
    const cells = { value: world.cell("value", 0), copy: world.cell("copy", 0) };
    const calls = world.calls();
    const write = async () => {
      await cells.value.write(1);
      await cells.copy.write(1);
    };
    return [
      { name: "writer", run: () => calls.call("write", 1, write) },
      {
        name: "reader",
        run: async () => {
          for (const place of ["value", second] as const) {
            await calls.call("read", undefined, () => cells[place].read());
          }
        },
      },
    ];
  },
  model: models.register(0),
});

test("expectSafe() checks the calls of a race against its model", { timeout }, async () => {
  const stale = /not linearizable: reader: read → 0 fits nowhere/;
  await assert.rejects(expectSafe(copied("copy")), stale);
  const { evidence } = await expectSafe(copied("value"));
  // Which calls overlap is not declared by their steps, so no order is left out: 2 steps among 4.
  assert.deepEqual(evidence, { kind: "proved", orders: 6, of: 6 });

  const { schedule } = await explore(copied("copy"));
  await assert.rejects(replay(schedule!, copied("copy")), stale);
  assert.deepEqual(await stress(copied("value"), 20), { times: 0, of: 20 });
});

test("a race may have a check and a model, and the check comes first", { timeout }, async () => {
  const both: Race = { ...copied("copy"), check: ({ copy }) => copy === 1 ? "checked" : undefined };
  await assert.rejects(expectSafe(both), /checked/);
});
