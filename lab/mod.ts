/**
 * The lab: write your own races, explore them, replay what is found at other distances, and check
 * that what you mended stays mended.
 *
 * @module
 */
export * from "./engine/mod.ts";
export * from "./worlds/mod.ts";
export * from "./scenarios/mod.ts";
export * from "./reports/mod.ts";
export * from "./runners/trial.ts";
export * from "./runners/tour.ts";
export { expectMet, type TestOptions, testScenario } from "./runners/test.ts";
