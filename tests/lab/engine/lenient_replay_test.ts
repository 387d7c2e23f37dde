import assert from "node:assert/strict";
import { test } from "node:test";
import { LenientReplayStrategy, type Program, record } from "../../../lab/engine/mod.ts";
import { program, read, type Tools, write } from "./_program.ts";

const timeout = 20_000;

/** Two actors that add one, in two steps or in one. */
function adds(inOneStep = false): Program {
  return program(() => {
    let x = 0;
    const actor = async ({ step }: Tools) => {
      const seen = inOneStep ? 0 : await step(read("x"), () => x);
      await step(write("x"), () => x = inOneStep ? x + 1 : seen + 1);
    };
    return { actors: [actor, actor], check: () => x === 2 ? undefined : `x = ${x}` };
  });
}

async function follow(subject: Program, choices: readonly number[]) {
  const strategy = new LenientReplayStrategy(choices);
  const { outcome, choices: taken } = await record(subject, strategy);
  return { kind: outcome.kind, taken: taken.join(""), divergence: strategy.divergence };
}

test("LenientReplayStrategy follows a schedule that fits to its end, and tells of no divergence", {
  timeout,
}, async () => {
  assert.deepEqual(await follow(adds(), [0, 1, 0, 1]), {
    kind: "violated",
    taken: "0101",
    divergence: undefined,
  });
});

test("LenientReplayStrategy leaves out the steps of who cannot move, and says where", {
  timeout,
}, async () => {
  assert.deepEqual(await follow(adds(), [0, 0, 0, 7, 1, 1]), {
    kind: "passed",
    taken: "0011",
    divergence: { step: 3, expected: "A to move", found: "A with nothing to do" },
  });
  const stranger = await follow(adds(), [7, 0, 0, 1, 1]);
  assert.equal(stranger.taken, "0011");
  assert.deepEqual(stranger.divergence, {
    step: 1,
    expected: "actor 8 to move",
    found: "only 2 actors",
  });
});

test("LenientReplayStrategy goes on with who moved last where the schedule ends first", {
  timeout,
}, async () => {
  assert.deepEqual(await follow(adds(), [1]), {
    kind: "passed",
    taken: "1100",
    divergence: { step: 2, expected: "the end of the schedule", found: "B before write x" },
  });
  assert.equal((await follow(adds(), [])).taken, "0011");
});

test(
  "LenientReplayStrategy runs mended code in the order that broke it, and says where it is other",
  {
    timeout,
  },
  async () => {
    assert.deepEqual(await follow(adds(true), [0, 1, 0, 1]), {
      kind: "passed",
      taken: "01",
      divergence: { step: 3, expected: "A to move", found: "A with nothing to do" },
    });
  },
);
