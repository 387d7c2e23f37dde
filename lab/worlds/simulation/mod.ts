/** The simulation: several processes, a clock and a disk in one isolate. */
export * from "./virtual_clock.ts";
export * from "./process.ts";
export { Simulation, type SimulationOptions, type SurvivingDisks } from "./simulation.ts";
