/** The simulation: several processes, a clock and a disk in one isolate, and what crashes do there. */
export * from "./virtual_clock.ts";
export * from "./process.ts";
export { Simulation, type SimulationOptions, type SurvivingDisks } from "./simulation.ts";
export * from "./crash_program.ts";
export * from "./crash_exploration.ts";
export { CrashCodeError } from "./_crash_code.ts";
export { NondeterminismError } from "./_crash_run.ts";
