/** Schedules, strategies and the run loop. Knows no scenario, no world, and no runtime. */
export * from "./operation.ts";
export * from "./outcome.ts";
export * from "./strategy.ts";
export * from "./run.ts";
export * from "./explore.ts";
export { macrotask } from "./watchdog.ts";
export * from "./random.ts";
export * from "./exhaustive.ts";
export * from "./replay.ts";
export * from "./portfolio.ts";
export * from "./schedule_code.ts";
export * from "./prng.ts";
export * from "./preemption_bounded.ts";
export * from "./pct.ts";
export * from "./dpor.ts";
export * from "./shrink.ts";
export * from "./equivalence.ts";
export * from "./difference.ts";
