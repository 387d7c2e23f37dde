/** A Worker that wants the lock whose path it is given. */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { FileLock } from "../../mod.ts";

const port = parentPort!;
const lock = new FileLock(workerData);
port.postMessage(lock.tryWrite() === undefined ? "not mine" : "mine");
await once(port, "message");
const guard = await lock.write();
port.postMessage("mine");
await once(port, "message");
guard.release();
port.postMessage("left");
