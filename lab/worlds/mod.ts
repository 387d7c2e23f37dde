/** The distances: the same operations between tasks, workers, processes and machines. */
import type { Distance } from "./distance.ts";
import { MachinesDistance, whyNoMachines } from "./machines.ts";
import { ProcessesDistance } from "./processes.ts";
import { SimulationDistance } from "./simulated.ts";
import { TasksDistance } from "./tasks.ts";
import { WorkersDistance } from "./workers.ts";
import type { WorldName } from "./world.ts";

export * from "./world.ts";
export * from "./object_kind.ts";
/** Kinds of objects that come with the lab, for `world.object`. */
export * as objects from "./objects.ts";
export * from "./scenario.ts";
export * from "./distance.ts";
export * from "./simulation/mod.ts";
export type { Declared } from "./_declaration.ts";

const DISTANCES: Readonly<Record<WorldName, () => Distance>> = {
  tasks: () => new TasksDistance(),
  simulation: () => new SimulationDistance(),
  workers: () => new WorkersDistance(),
  processes: () => new ProcessesDistance(),
  machines: () => new MachinesDistance(),
};

/**
 * Why a distance cannot be had on this machine, and how it could; `undefined` where it can. Between
 * machines there must be a Redis server: that of `INTERLOCK_REDIS`, or one that can be started.
 */
export function whyNot(name: WorldName): string | undefined {
  return name === "machines" ? whyNoMachines() : undefined;
}

/**
 * Opens a distance. Workers, processes and servers are started when they are first needed, and end
 * when the distance is disposed of.
 */
export function openDistance(name: WorldName): Distance {
  return DISTANCES[name]();
}
