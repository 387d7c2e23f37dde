/** Handlers of `bench/processor.ts` that run in Workers; and, started as a Worker, the floor for them. */
import { isMainThread, parentPort, workerData } from "node:worker_threads";

/** Answers what it is handed. */
export const echo = (value: unknown): unknown => value;

/** Keeps a thread busy: adds up the remainders of so many divisions. */
export function compute(times: number): number {
  let sum = 0;
  for (let i = 1; i <= times; i++) sum += i % 7;
  return sum;
}

/** Keeps its thread for good, and heeds nothing. */
export function spin(): never {
  for (;;);
}

if (!isMainThread && workerData === "floor") {
  parentPort!.on("message", (value) => parentPort!.postMessage(value));
}
