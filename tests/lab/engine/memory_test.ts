import assert from "node:assert/strict";
import { test } from "node:test";
import { explore, RandomStrategy } from "../../../lab/engine/mod.ts";
import { openDistance, Subject } from "../../../lab/mod.ts";
import lostUpdate from "../../../lab/scenarios/lost_update.ts";
import { heldMegabytes } from "../../_garbage.ts";
import { runs } from "../../_runs.ts";

/** Ordinarily enough to see a leak of 16 bytes a schedule. */
const SCHEDULES = runs(500_000, 5_000_000);
/** With recording, which takes longer; a schedule that were kept would take 500 bytes and more. */
const RECORDED = runs(50_000, 500_000);

for (
  const [what, schedules, visit] of [
    ["exploring", SCHEDULES, undefined],
    ["exploring with every run recorded", RECORDED, () => {}],
  ] as const
) {
  test(
    `${what} holds no memory, however many schedules are run`,
    { timeout: 120_000 },
    async () => {
      await using tasks = openDistance("tasks");
      const program = await tasks.stepped(new Subject(lostUpdate, "optimistic"));
      const heapAfter = async (budget: number) => {
        const { failure } = await explore(program, {
          strategy: new RandomStrategy(1),
          budget,
          visit,
        });
        assert.equal(failure, undefined);
        return heldMegabytes();
      };
      const before = await heapAfter(20_000);
      const grown = await heapAfter(schedules) - before;
      assert.ok(grown < 8, `${grown} MB more after ${schedules} schedules`);
    },
  );
}
