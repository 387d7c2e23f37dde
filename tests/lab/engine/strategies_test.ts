import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  DporStrategy,
  type Exploration,
  explore,
  nearestPassing,
  PctStrategy,
  PortfolioStrategy,
  PreemptionBoundedStrategy,
  type Program,
  RandomStrategy,
  record,
  replay,
  shrink,
  type Strategy,
  switches,
  WeightedRandomStrategy,
} from "../../../lab/engine/mod.ts";
import { program, read, type Tools, write } from "./_program.ts";

const timeout = 60_000;

function search(subject: Program, strategy: Strategy, budget = 100_000): Promise<Exploration> {
  return explore(subject, { strategy, budget });
}

/** So many steps that concern nobody else. */
async function pad({ step }: Tools, own: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await step(read(own), () => 0);
}

/** Two actors add one to x, with two steps of their own besides: 70 orders of 4 kinds. */
function lostUpdate(guarded = false): Program {
  return program(() => {
    let x = 0;
    const actor = (own: string) => async (tools: Tools) => {
      await pad(tools, own, 1);
      if (guarded) await tools.step(write("x"), () => x++);
      else {
        const seen = await tools.step(read("x"), () => x);
        await tools.step(write("x"), () => x = seen + 1);
      }
      await pad(tools, own, 1);
    };
    return {
      actors: [actor("a"), actor("b")],
      check: () => x === 2 ? undefined : `x = ${x}`,
    };
  });
}

/**
 * A window within a window: A opens and closes one, B opens and closes its own if it sees A's open,
 * and C must look while B's is. Three actors of six steps: 18!/(6!)³ = 17,153,136 orders.
 */
function windowChain(broken: boolean): Program {
  return program(() => {
    let [x, y, caught] = [0, 0, 0];
    return {
      actors: [
        async (tools) => {
          await pad(tools, "a", 2);
          await tools.step(write("x"), () => x = 1);
          await tools.step(write("x"), () => x = 0);
          await pad(tools, "a", 2);
        },
        async (tools) => {
          await pad(tools, "b", 1);
          const seen = await tools.step(read("x"), () => x);
          await tools.step(write("y"), () => y = seen);
          await tools.step(write("y"), () => y = 0);
          await pad(tools, "b", 2);
        },
        async (tools) => {
          await pad(tools, "c", 4);
          caught = await tools.step(read("y"), () => y);
          await pad(tools, "c", 1);
        },
      ],
      check: () => broken && caught === 1 ? "caught in both windows" : undefined,
    };
  });
}

/** Breaks only if A takes twelve steps before B takes its first. */
function twelveStepsFirst(): Program {
  return program(() => {
    let [steps, seen] = [0, 0];
    const count = async (tools: Tools) => {
      for (let i = 0; i < 12; i++) await tools.step(write("steps"), () => steps++);
    };
    return {
      actors: [
        count,
        async (tools) => {
          seen = await tools.step(read("steps"), () => steps);
          for (let i = 0; i < 12; i++) await tools.step(read("steps"), () => steps);
        },
      ],
      check: () => seen === 12 ? "B came after all twelve" : undefined,
    };
  });
}

describe("DporStrategy", { timeout }, () => {
  test("runs 4 of the 70 orders of the lost update", { timeout }, async () => {
    const traces: string[] = [];
    const { evidence } = await explore(lostUpdate(), {
      strategy: new DporStrategy(),
      budget: 1_000,
      visit: ({ outcome }) => traces.push(outcome.kind),
    });
    assert.deepEqual(evidence, { kind: "proved", orders: 4, of: 70 });
    assert.deepEqual(traces.sort(), ["passed", "passed", "violated", "violated"]);
  });

  test("proves the window chain safe in at most 20 of its 17,153,136 orders", {
    timeout,
  }, async () => {
    const { evidence, failure } = await search(windowChain(false), new DporStrategy());
    assert.equal(failure, undefined);
    assert.ok(evidence.kind === "proved" && evidence.of === 17_153_136);
    assert.ok(evidence.orders <= 20, `${evidence.orders} runs`);
    assert.equal(
      (await search(windowChain(true), new DporStrategy())).failure?.outcome.kind,
      "violated",
    );
  });

  test("does not call it proved when the budget ends first", { timeout }, async () => {
    const { evidence } = await search(lostUpdate(true), new DporStrategy(), 1);
    assert.deepEqual(evidence, { kind: "partial", orders: 1 });
  });
});

describe("PreemptionBoundedStrategy", { timeout }, () => {
  test("finds the lost update with one preemption", { timeout }, async () => {
    const subject = lostUpdate();
    const { failure, schedules } = await search(subject, new PreemptionBoundedStrategy());
    assert.ok(schedules <= 20, `${schedules} runs`);
    assert.equal((await replay(subject, failure!.choices)).preemptions, 1);
    const none = await search(subject, new PreemptionBoundedStrategy(0));
    assert.equal(none.failure, undefined);
    assert.deepEqual(none.evidence, { kind: "bounded", orders: 2, preemptions: 0, steps: 8 });
  });

  test("finds the window chain within 500 runs", { timeout }, async () => {
    const { failure, schedules } = await search(windowChain(true), new PreemptionBoundedStrategy());
    assert.equal(failure?.outcome.kind, "violated");
    assert.ok(schedules <= 500, `${schedules} runs`);
  });

  test("says up to which bound it has run every order", { timeout }, async () => {
    const { evidence } = await search(windowChain(false), new PreemptionBoundedStrategy(1));
    assert.ok(evidence.kind === "bounded" && evidence.preemptions === 1 && evidence.steps === 18);
  });

  test("calls it proved when no order was left out", { timeout }, async () => {
    const { evidence } = await search(lostUpdate(true), new PreemptionBoundedStrategy(10));
    assert.deepEqual(evidence, { kind: "proved", orders: 20, of: 20 });
  });
});

describe("PctStrategy", { timeout }, () => {
  test("finds twelve steps first, which a random walk does not", { timeout }, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { schedules, failure } = await search(twelveStepsFirst(), new PctStrategy(seed), 50);
      assert.ok(failure !== undefined, `seed ${seed}: not in ${schedules} runs`);
      assert.equal(
        (await search(twelveStepsFirst(), new RandomStrategy(seed), 50)).failure,
        undefined,
      );
    }
  });
});

describe("WeightedRandomStrategy", { timeout }, () => {
  test("makes every interleaving about as likely as the next", { timeout }, async () => {
    const seen = new Map<string, number>();
    const runs = 20_000;
    const tally = async (strategy: Strategy) => {
      seen.clear();
      await explore(lostUpdate(), {
        strategy,
        budget: runs,
        visit: ({ choices }) => seen.set(choices.join(""), (seen.get(choices.join("")) ?? 0) + 1),
      });
      return Math.max(...seen.values()) / Math.min(...seen.values());
    };
    assert.ok(await tally(new WeightedRandomStrategy(1)) < 2);
    assert.equal(seen.size, 70);
    // The twin: a uniform walk ends up far more often in orders where one actor ends early.
    assert.ok(await tally(new RandomStrategy(1)) > 4);
  });
});

describe("PortfolioStrategy", { timeout }, () => {
  const portfolio = (budget: number) =>
    new PortfolioStrategy([
      { strategy: new PreemptionBoundedStrategy(1), schedules: budget },
      { strategy: new PctStrategy(1), schedules: budget },
      { strategy: new RandomStrategy(1), schedules: budget },
      { strategy: new DporStrategy(), schedules: budget },
    ]);

  test("says which strategy found the failure", { timeout }, async () => {
    const strategy = portfolio(100);
    await search(lostUpdate(), strategy);
    assert.equal(strategy.current.name, "bounded");
  });

  test("gives each its share and claims the best of what they show", { timeout }, async () => {
    const proved = await search(windowChain(false), portfolio(100));
    assert.equal(proved.evidence.kind, "proved");
    const bounded = await search(windowChain(false), portfolio(5_000), 5_000);
    assert.equal(bounded.evidence.kind, "bounded");
    const sampled = await search(windowChain(false), portfolio(4), 12);
    assert.deepEqual(sampled.evidence, { kind: "sampled", orders: 8, seed: 1 });
  });

  test("is the same for the same seed and budget", { timeout }, async () => {
    const one = await search(windowChain(true), portfolio(30));
    const two = await search(windowChain(true), portfolio(30));
    assert.deepEqual(one, two);
  });
});

describe("shrink()", { timeout }, () => {
  test("leaves the fewest preemptions and switches that fail in the same way", {
    timeout,
  }, async () => {
    const subject = windowChain(true);
    for (let seed = 1; seed <= 10; seed++) {
      const { failure } = await search(subject, new WeightedRandomStrategy(seed));
      const found = await replay(subject, failure!.choices);
      const { recording, runs } = await shrink(subject, found);
      assert.deepEqual(recording.outcome, found.outcome);
      assert.ok(recording.preemptions <= 2, `seed ${seed}: ${recording.preemptions} preemptions`);
      assert.ok(switches(recording.choices) <= switches(found.choices));
      assert.ok(runs <= 500);
      assert.deepEqual((await replay(subject, recording.choices)).outcome, found.outcome);
    }
  });

  test("does not slip from one failure to another", { timeout }, async () => {
    // Two ways to fail: the usual one, and an easier one that shrinking must not take instead.
    const subject = program(() => {
      let x = 0;
      let first = "";
      const actor = (name: string) => async ({ step }: Tools) => {
        const seen = await step(read("x"), () => x);
        await step(write("x"), () => {
          first ||= name;
          x = seen + 1;
        });
      };
      return {
        actors: [actor("A"), actor("B")],
        check: () => x !== 2 ? "lost" : first === "B" ? "B was first" : undefined,
      };
    });
    const found = await replay(subject, [0, 1, 0, 1]);
    assert.deepEqual(found.outcome, { kind: "violated", message: "lost" });
    const { recording } = await shrink(subject, found);
    assert.deepEqual(recording.outcome, { kind: "violated", message: "lost" });
    assert.equal(recording.preemptions, 1);
  });
});

describe("nearestPassing()", { timeout }, () => {
  test("finds the passing order next to a failing one", { timeout }, async () => {
    const subject = lostUpdate();
    const { failure } = await search(subject, new PreemptionBoundedStrategy());
    const { recording } = await shrink(subject, await replay(subject, failure!.choices));
    const passing = await nearestPassing(subject, recording);
    assert.equal(passing?.outcome.kind, "passed");
  });

  test("says when there is none", { timeout }, async () => {
    const always = program(() => ({
      actors: [(tools) => pad(tools, "a", 1), (tools) => pad(tools, "b", 1)],
      check: () => "never right",
    }));
    const found = await record(always, new RandomStrategy(1));
    assert.equal(await nearestPassing(always, found), undefined);
  });
});

describe("Run", { timeout }, () => {
  test("calls it starvation when others go on for ever past one that waits", {
    timeout,
  }, async () => {
    const spinning = program(() => {
      let flag = false;
      return {
        actors: [
          async ({ step }) => {
            while (!flag) await step(read("flag"), () => flag);
          },
          async ({ step }) => {
            await step(write("flag"), () => flag = true, () => false);
          },
        ],
      };
    });
    const { failure } = await search(spinning, new RandomStrategy(1), 1);
    assert.deepEqual(failure?.outcome, { kind: "endless", steps: 10_000, starved: ["B"] });
  });

  test("lets an actor go that a strategy passes over for too long", { timeout }, async () => {
    const spinning = program(() => {
      let flag = false;
      return {
        actors: [
          async ({ step }) => {
            while (!flag) await step(read("flag"), () => flag);
          },
          async ({ step }) => void await step(write("flag"), () => flag = true),
        ],
      };
    });
    // Depth first, the first actor would be let go for ever.
    const found = await search(spinning, new DporStrategy(), 1);
    assert.equal(found.failure, undefined);
    assert.equal(found.bestEffort, true);
  });
});
