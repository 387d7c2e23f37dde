/** How much memory is really held: collected first, the same way on both runtimes. */
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";

const bun = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun;
let collect: () => void;
if (bun !== undefined) {
  collect = () => bun.gc(true);
} else {
  v8.setFlagsFromString("--expose-gc");
  collect = vm.runInNewContext("gc");
}

/** Megabytes of objects that something still holds. */
export function heldMegabytes(): number {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/**
 * By how many megabytes what is held grows in a round, at the least: what a round leaves behind it
 * leaves each time, and what a runtime compiles or keeps for later it does not.
 */
export async function leastGrowth(round: () => unknown): Promise<number> {
  await round();
  let least = Infinity;
  for (let i = 0; i < 4; i++) {
    const before = heldMegabytes();
    await round();
    least = Math.min(least, heldMegabytes() - before);
    if (least < 0.1) break;
  }
  return least;
}
