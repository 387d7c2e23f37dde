/**
 * The lab: write your own races, explore them, replay what is found at other distances, and check
 * that what you mended stays mended.
 *
 * The engine's own parts (strategies, schedules, the run loop) are in the namespace `engine`.
 *
 * @module
 */
export * as engine from "./engine/mod.ts";
export {
  type Action,
  decodeSchedule,
  type Effect,
  encodeSchedule,
  type Event,
  type Evidence,
  type Listener,
  type Operation,
  type Outcome,
  type Program,
  type Recording,
  type Run,
  type RunView,
  type Schedule,
  ScheduleCodeError,
  type Strategy,
  type Touch,
  type Waiting,
} from "./engine/mod.ts";
export * from "./engine/history/mod.ts";
export * from "./worlds/mod.ts";
export * from "./scenarios/mod.ts";
export * from "./reports/mod.ts";
export * from "./runners/races.ts";
export * from "./runners/tour.ts";
export { investigate, reproduce, type TrialOptions } from "./runners/trial.ts";
export {
  type KnownSchedule,
  type ReadSchedule,
  type RecallOptions,
  recallSchedule,
} from "./runners/recall.ts";
export { STRATEGY_NAMES, type StrategyName } from "./runners/_make_strategy.ts";
export { expectMet, type TestOptions, testScenario } from "./runners/test.ts";
export { measureBenchmark, type MeasureOptions } from "./runners/measure.ts";
export {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
  type Preparation,
  type PreparedBenchmark,
  type Rival,
} from "./runners/suite.ts";
export {
  findRegressions,
  type RegressionOptions,
  type RegressionOutcome,
  SUITE_FILE,
} from "./runners/regressions.ts";
