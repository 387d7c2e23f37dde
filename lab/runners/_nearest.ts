/** Which distances are explored. */
import type { Subject, WorldName } from "../worlds/mod.ts";

/** Whether a distance is in this isolate: then orders are explored there, by the thousand. */
export function isNear(world: WorldName): boolean {
  return world === "tasks" || world === "simulation";
}

/** The distance at which a variant is explored: the nearest at which it makes sense. */
export function nearestWorld({ worlds }: Subject): WorldName {
  return worlds.find(isNear) ?? worlds[0];
}
