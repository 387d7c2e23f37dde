/** The distances: the same operations between tasks, workers and processes. */
export * from "./world.ts";
export * from "./scenario.ts";
export * from "./distance.ts";
export * from "./tasks.ts";
