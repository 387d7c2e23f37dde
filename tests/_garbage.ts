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
