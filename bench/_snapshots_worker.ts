/** The other side of the rows of `SharedSnapshots`: a Worker that tells what it sees when asked. */
import { parentPort, workerData } from "node:worker_threads";
import {
  SharedRwLock,
  type SharedRwLockHandle,
  SharedSnapshots,
  type SharedSnapshotsHandle,
} from "../lib/workers/mod.ts";

/** What it begins with, and what it is asked for. */
export interface Seen {
  readonly snapshots: SharedSnapshotsHandle;
  readonly lock: SharedRwLockHandle;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** Where it is to look. */
export type Where = "snapshots" | "lock" | "messages";

const { snapshots: versions, lock: handle, bytes }: Seen = workerData;
const snapshots = SharedSnapshots.attach(versions);
const lock = SharedRwLock.attach(handle);
let sent: Uint8Array = new Uint8Array();

/** The first byte and the last one of what is current. */
const ends = (value: Uint8Array) => [value[0], value[value.length - 1]];

const look: Record<Where, () => number[]> = {
  snapshots: () => snapshots.view(ends),
  lock() {
    using _guard = lock.readSync();
    return ends(bytes);
  },
  messages: () => ends(sent),
};

parentPort!.on("message", (message: ArrayBuffer | Where) => {
  if (typeof message === "string") parentPort!.postMessage(look[message]());
  else sent = new Uint8Array(message);
});
parentPort!.postMessage("ready");
