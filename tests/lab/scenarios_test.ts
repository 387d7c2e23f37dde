import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarios, Subject, testScenario, WORLD_NAMES } from "../../lab/mod.ts";

const timeout = 5_000;

for (const scenario of scenarios) testScenario(scenario);

test(
  "each scenario says where it is from, and why not where it makes no sense",
  { timeout },
  () => {
    for (const scenario of scenarios) {
      assert.notEqual(scenario.seed, "", scenario.name);
      const variants = Object.keys(scenario.variants).map((name) => new Subject(scenario, name));
      for (const world of WORLD_NAMES) {
        const somewhere = variants.some(({ worlds }) => worlds.includes(world));
        assert.equal(scenario.worlds.includes(world), somewhere, `${scenario.name} at ${world}`);
        assert.ok(somewhere || scenario.notes?.[world], `${scenario.name} says why not ${world}`);
      }
    }
  },
);

test("each scenario has a broken variant and a safe one", { timeout }, () => {
  for (const { name, variants } of scenarios) {
    const expected = new Set(Object.values(variants).map(({ expect }) => expect));
    assert.deepEqual([...expected].sort(), ["broken", "safe"], name);
  }
});
