/** The other side of the hand-off row: a Worker that does its half of each sample. */
import { parentPort, workerData } from "node:worker_threads";
import { SharedRwLock, type SharedRwLockHandle } from "../lib/workers/mod.ts";
import { answer, Side, type Words } from "./_hand_off.ts";

const { handles, words }: { handles: SharedRwLockHandle[]; words: Words } = workerData;
const side = new Side(handles.map((handle) => SharedRwLock.attach(handle)), false);

parentPort!.on("message", (how: "lock" | "raw") => {
  if (how === "lock") side.play(words);
  else answer(words);
  parentPort!.postMessage("done");
});
parentPort!.postMessage("ready");
