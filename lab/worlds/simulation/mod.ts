/** The simulation: several processes, a clock and a disk in one isolate. */
export * from "./virtual_clock.ts";
