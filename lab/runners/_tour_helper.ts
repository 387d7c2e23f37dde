/** Where a process that helps with the tour begins: a line of stdin asks for a scenario's part of it. */
import process from "node:process";
import { describeError } from "../engine/mod.ts";
import { findScenario } from "../scenarios/mod.ts";
import { MARK, onLines } from "../worlds/_lines.ts";
import { Distances, tour } from "./tour.ts";
import type { FromHelper, TourTask } from "./_crew.ts";

const say = (message: FromHelper): void => {
  process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
};
const distances = new Distances();
onLines(process.stdin, async (line) => {
  const { scenario, ...options } = JSON.parse(line) as TourTask;
  try {
    await tour([findScenario(scenario)], { ...options, distances }, {
      trying: (_done, _total, what) => say({ type: "trying", what }),
      tried: (result) => say({ type: "tried", result }),
    });
    say({ type: "done" });
  } catch (error) {
    const trace = error instanceof Error ? error.stack : undefined;
    say({ type: "failed", message: trace ?? describeError(error) });
  }
});
// Whoever asked has gone, or has no more to ask.
process.stdin.on("end", async () => {
  await distances[Symbol.asyncDispose]();
  process.exit();
});
