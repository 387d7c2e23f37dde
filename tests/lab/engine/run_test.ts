import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  describeOutcome,
  ExhaustiveStrategy,
  type Exploration,
  explore,
  failureSignature,
  type Operation,
  type Program,
  RandomStrategy,
  record,
  replay,
} from "../../../lab/engine/mod.ts";
import { program, read, type Tools, write } from "./_program.ts";

const timeout = 20_000;

const READ = read("x");
const WRITE = write("x");

function increments(actors: number, of = 1): Program {
  return program(() => {
    let x = 0;
    const actor = async ({ step }: Tools) => {
      for (let i = 0; i < of; i++) {
        const seen = await step(READ, () => x);
        await step(WRITE, () => {
          x = seen + 1;
        });
      }
    };
    return {
      actors: Array.from({ length: actors }, () => actor),
      check: () => x === actors * of ? undefined : `x = ${x}`,
    };
  });
}

function raise(reason: unknown): never {
  throw reason;
}

function exhaust(subject: Program, budget = 1_000_000): Promise<Exploration> {
  return explore(subject, { strategy: new ExhaustiveStrategy(), budget });
}

/** A program whose every order passes, with as many orders as its actors' steps can interleave. */
function independent(actors: number, steps: number): Program {
  const actor = async ({ step }: Tools) => {
    for (let i = 0; i < steps; i++) await step(READ, () => 0);
  };
  return program(() => ({ actors: Array.from({ length: actors }, () => actor) }));
}

describe("ExhaustiveStrategy", { timeout }, () => {
  test("runs every order exactly once", { timeout }, async () => {
    // The multinomial coefficients: (4)!/(2!2!), (6)!/(3!3!), (6)!/(2!2!2!).
    for (const [actors, steps, orders] of [[2, 2, 6], [2, 3, 20], [3, 2, 90], [2, 4, 70]]) {
      const found = await exhaust(independent(actors, steps));
      assert.deepEqual(found.evidence, { kind: "proved", orders, of: orders });
      assert.equal(found.schedules, orders);
    }
  });

  test("does not call it proved when the budget ends first", { timeout }, async () => {
    const found = await exhaust(independent(2, 4), 69);
    assert.deepEqual(found.evidence, { kind: "partial", orders: 69 });
  });

  test("refuses a program that differs between runs", { timeout }, async () => {
    let runs = 0;
    const fickle = program(() => {
      const more = ++runs > 3;
      const actor = async ({ step }: Tools) => {
        await step(READ, () => 0);
        await step(READ, () => 0);
      };
      return { actors: [actor, more ? () => Promise.resolve() : actor] };
    });
    await assert.rejects(exhaust(fickle), /something the engine does not control differs/);
  });
});

describe("explore()", { timeout }, () => {
  test("finds the lost update and answers the schedule that lost it", { timeout }, async () => {
    for (const strategy of [new ExhaustiveStrategy(), new RandomStrategy(7)]) {
      const subject = increments(2);
      const { failure } = await explore(subject, { strategy, budget: 1_000 });
      assert.deepEqual(failure?.outcome, { kind: "violated", message: "x = 1" });
      const again = await replay(subject, failure!.choices);
      assert.deepEqual(again.outcome, failure!.outcome);
      assert.deepEqual(again.choices, failure!.choices);
    }
  });

  test("chooses the same orders for the same seed, on every runtime", { timeout }, async () => {
    const { choices } = await record(independent(3, 4), new RandomStrategy(42));
    assert.equal(choices.join(""), "022101122100");
  });

  test("reports an actor that throws, by name and with its error", { timeout }, async () => {
    const broken = program(() => ({
      actors: [
        ({ step }) => step(READ, () => 0) as Promise<never>,
        async ({ step }) => {
          await step(READ, () => 0);
          throw new RangeError("too far");
        },
      ],
    }));
    const { failure } = await exhaust(broken);
    assert.equal(failure?.outcome.kind, "threw");
    assert.ok(failure.outcome.kind === "threw" && failure.outcome.actor === "B");
    assert.match(String(failure.outcome.error), /RangeError: too far/);
  });

  test("reports a deadlock with what each actor waits for", { timeout }, async () => {
    const lock = (name: string): Operation => ({ object: name, kind: "take", effect: "acquire" });
    const deadlock = program(() => {
      const held = new Set<string>();
      const actor = (first: string, second: string) => async ({ step }: Tools) => {
        await step(lock(first), () => held.add(first), () => !held.has(first));
        await step(lock(second), () => held.add(second), () => !held.has(second));
        held.delete(second);
        held.delete(first);
      };
      return { actors: [actor("l", "m"), actor("m", "l")] };
    });
    const { failure } = await exhaust(deadlock);
    assert.deepEqual(failure?.outcome, {
      kind: "deadlock",
      waiting: [{ actor: "A", operation: "take m" }, { actor: "B", operation: "take l" }],
    });
  });

  test("ends a run without end after the steps allowed", { timeout }, async () => {
    const endless = program(() => ({
      actors: [async ({ step }) => {
        while (true) await step(READ, () => 0);
      }],
    }));
    const { failure } = await explore(endless, {
      strategy: new RandomStrategy(1),
      budget: 1,
      maxSteps: 50,
    });
    assert.deepEqual(failure?.outcome, { kind: "endless", steps: 50, starved: [] });
    assert.equal(failure?.choices.length, 50);
  });

  test(
    "goes on with another actor when one waits for something it cannot see",
    { timeout },
    async () => {
      const astray = program(() => {
        let release!: () => void;
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        return {
          actors: [
            async ({ step }) => {
              await gate;
              await step(READ, () => 0);
            },
            async ({ step }) => {
              await step(READ, () => 0);
              release();
            },
          ],
        };
      });
      const found = await explore(astray, { strategy: new RandomStrategy(1), budget: 3 });
      assert.equal(found.failure, undefined);
      assert.equal(found.bestEffort, true);
    },
  );

  test("calls it a deadlock when nobody comes back", { timeout }, async () => {
    const lost = program(() => ({
      actors: [({ step }) => step(READ, () => 0) as Promise<never>, () => new Promise(() => {})],
    }));
    const { failure, bestEffort } = await explore(lost, {
      strategy: new RandomStrategy(1),
      budget: 1,
    });
    assert.deepEqual(failure?.outcome, {
      kind: "deadlock",
      waiting: [{ actor: "B", operation: undefined }],
    });
    assert.equal(bestEffort, true);
  });

  test("stops between two schedules when its signal aborts", { timeout }, async () => {
    const reason = new Error("enough");
    const abort = new AbortController();
    await assert.rejects(
      explore(independent(3, 8), {
        strategy: new RandomStrategy(1),
        budget: Infinity,
        signal: abort.signal,
        onProgress: () => abort.abort(reason),
      }),
      (error) => error === reason,
    );
  });

  test("lets timers run while it explores", { timeout }, async () => {
    let fired = 0;
    const timer = setInterval(() => fired++, 1);
    await explore(independent(3, 6), { strategy: new RandomStrategy(1), budget: 20_000 });
    clearInterval(timer);
    assert.ok(fired > 0);
  });
});

describe("explore() with a program or a caller at fault", { timeout }, () => {
  /** What is thrown that no string can be made of. */
  const unspeakable = (): unknown[] => [
    Object.create(null),
    Object.defineProperty(new Error(), "message", { get: () => assert.fail("not to be read") }),
    Object.assign(new Error("named by a symbol"), { name: Symbol("name") }),
  ];
  const once = { budget: 1 };

  test("tells of an actor that throws whatever it likes", { timeout }, async () => {
    for (const thrown of [undefined, null, Object.freeze({}), Symbol("s"), ...unspeakable()]) {
      const throws = program(() => ({ actors: [() => Promise.reject(thrown)] }));
      const { failure } = await explore(throws, { strategy: new RandomStrategy(1), ...once });
      assert.ok(failure?.outcome.kind === "threw" && failure.outcome.error === thrown);
      assert.match(describeOutcome(failure.outcome), /^A threw /);
      assert.match(failureSignature(failure.outcome), /^threw /);
    }
  });

  test(
    "tells of a check that throws whatever it likes, at once or later",
    { timeout },
    async () => {
      for (const thrown of unspeakable()) {
        for (const check of [() => Promise.reject(thrown), () => raise(thrown)]) {
          const subject = { ...increments(1), check };
          const { failure } = await explore(subject, { strategy: new RandomStrategy(1), ...once });
          assert.equal(failure?.outcome.kind, "violated");
        }
      }
    },
  );

  test("tells of a check that answers no words", { timeout }, async () => {
    const subject = { ...increments(1), check: () => false as unknown as undefined };
    const { failure } = await explore(subject, { strategy: new RandomStrategy(1), ...once });
    assert.match(describeOutcome(failure!.outcome), /^the check answered false instead of /);
  });

  test("rejects with what a visitor or a follower of progress throws", { timeout }, async () => {
    const reason = new Error("seen enough");
    const options = { strategy: new RandomStrategy(1), budget: Infinity };
    for (const told of [{ visit: () => raise(reason) }, { onProgress: () => raise(reason) }]) {
      await assert.rejects(explore(independent(3, 8), { ...options, ...told }), (error) => {
        return error === reason;
      });
    }
  });

  test("rejects with what starting throws, and the run is given up", { timeout }, async () => {
    const reason = new Error("cannot start");
    let abandoned = 0;
    const subject = {
      ...increments(1),
      start: () => raise(reason),
      abandon: () => void abandoned++,
    };
    const options = { strategy: new RandomStrategy(1), ...once };
    await assert.rejects(explore(subject, options), (error) => error === reason);
    assert.equal(abandoned, 1);
  });

  test("says so when a strategy lets an actor go that cannot move in this run", {
    timeout,
  }, async () => {
    const blocked = program(() => ({
      actors: [
        ({ step }) => step(READ, () => {}),
        ({ step }) => step(WRITE, () => {}, () => false),
      ],
    }));
    const strategy = Object.assign(new RandomStrategy(1), { choose: () => 1 });
    await assert.rejects(explore(blocked, { strategy, budget: 1 }), {
      message:
        "Cannot go on: random let B go, which cannot move; something the engine does not control differs between runs",
    });
  });

  test("refuses budgets and lengths with which it would never end", { timeout }, () => {
    const strategy = new RandomStrategy(1);
    for (const budget of [NaN, -1]) {
      assert.throws(() => explore(increments(1), { strategy, budget }), RangeError);
    }
    for (const maxSteps of [NaN, 0, -1, 2.5, Infinity]) {
      assert.throws(() => explore(increments(1), { strategy, budget: 1, maxSteps }), {
        name: "RangeError",
        message: `Cannot run up to ${maxSteps} steps: whole numbers from 1 on`,
      });
    }
  });
});

describe("replay()", { timeout }, () => {
  test("records what was done and answered, in order", { timeout }, async () => {
    const { events, outcome } = await replay(increments(2), [0, 1, 0, 1]);
    assert.deepEqual(
      events.map(({ actor, operation, result }) => [actor, operation.kind, result]),
      [[0, "read", 0], [1, "read", 0], [0, "write", undefined], [1, "write", undefined]],
    );
    assert.equal(outcome.kind, "violated");
  });

  test("tells at which step another program differs", { timeout }, async () => {
    const { choices, events } = await replay(increments(2), [0, 1, 0, 1]);
    const other = await replay(independent(2, 2), choices, events);
    assert.deepEqual(other.outcome, {
      kind: "diverged",
      step: 3,
      expected: "A to write x",
      found: "A before read x",
    });
  });

  test("tells when the schedule is too short, too long for an actor, or names a stranger", {
    timeout,
  }, async () => {
    const outcomes = [];
    for (const choices of [[0, 0, 1], [0, 0, 0], [0, 5]]) {
      outcomes.push((await replay(increments(2), choices)).outcome);
    }
    assert.deepEqual(outcomes, [
      { kind: "diverged", step: 4, expected: "the end of the schedule", found: "B before write x" },
      { kind: "diverged", step: 3, expected: "A to move", found: "A with nothing to do" },
      { kind: "diverged", step: 2, expected: "actor 6 to move", found: "only 2 actors" },
    ]);
  });
});
