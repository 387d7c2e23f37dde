import assert from "node:assert/strict";
import { test } from "node:test";
import { defineScenario, findScenario, tour, type TrialResult } from "../../../lab/mod.ts";
import { tourTogether } from "../../../lab/runners/_crew.ts";
import inTime from "../_scenarios/in_time.ts";

const timeout = 120_000;
const two = [findScenario("lost-update"), findScenario("crash-while-holding")];
const options = { worlds: ["simulation"], seed: 3 } as const;

test("a tour by several processes finds what one process finds, in the order of the tour", {
  timeout,
}, async () => {
  const found = ({ scenario, variant, world, verdict, schedules, schedule }: TrialResult) =>
    `${scenario}/${variant} ${world} ${verdict} ${schedules} ${schedule}`;
  const tried: string[] = [];
  const together = await tourTogether(two, options, {
    tried: (result) => tried.push(found(result)),
  });
  assert.deepEqual(together.map(found), tried);
  assert.deepEqual(tried, (await tour(two, options)).map(found));
});

test("what a helper cannot do is told", { timeout }, async () => {
  const foreign = [inTime, defineScenario({ ...inTime, name: "in-time-again" })];
  await assert.rejects(tourTogether(foreign, options), /Cannot find scenario "in-time/);
});
