/** Where a Worker of the lab begins. */
import { parentPort } from "node:worker_threads";
import type { ToActor } from "./_protocol.ts";
import { RemoteActor } from "./_remote_actor.ts";
import { WorkerMedium, type WorkerStorage } from "./_worker_medium.ts";

const actor = new RemoteActor(
  (message) => parentPort!.postMessage(message),
  (order) => new WorkerMedium(order.storage as WorkerStorage, order.place, order.actors),
);
parentPort!.on("message", (message: ToActor) => actor.receive(message));
parentPort!.postMessage({ type: "up" });
