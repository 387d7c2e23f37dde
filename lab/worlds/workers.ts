/**
 * The distance of threads: each actor is a Worker, the cells are words of a SharedArrayBuffer, the
 * lock is `SharedRwLock`.
 */
import { Worker } from "node:worker_threads";
import { deadline } from "@std/async/deadline";
import { moduleBeside, workerUrl } from "../../lib/_module_urls.ts";
import { SharedBarrier, SharedRwLock, type SharedRwLockHandle } from "../../lib/workers/mod.ts";
import { describeError } from "../engine/mod.ts";
import { WorldError } from "./distance.ts";
import { RemoteDistance } from "./_remote_distance.ts";
import type { Remote, Storage } from "./_remote.ts";
import type { FromActor, ToActor } from "./_protocol.ts";
import type {} from "./_worker_main.ts";
import type { Subject } from "./scenario.ts";
import { WorkerMedium, type WorkerStorage } from "./_worker_medium.ts";

/** How long a Worker may take to start, in ms. */
const START_LIMIT = 30_000;

class WorkerRemote implements Remote {
  readonly about: string;
  dead = false;
  onMessage: (message: FromActor) => void = () => {};
  onDeath: (error: WorldError) => void = () => {};
  readonly #worker: Worker;
  readonly #up: Promise<void>;
  #closing = false;

  constructor(place: number) {
    this.about = `worker ${place + 1}`;
    this.#worker = new Worker(workerUrl(moduleBeside("_worker_main", import.meta.url)));
    this.#up = new Promise((resolve, reject) => {
      const died = (why: string) => {
        this.dead = true;
        if (this.#closing) return;
        const error = new WorldError(`Cannot go on with ${this.about}: ${why}`);
        reject(error);
        this.onDeath(error);
      };
      this.#worker.on("message", (message: FromActor | { type: "up" }) => {
        if (message.type === "up") resolve();
        else this.onMessage(message);
      });
      this.#worker.on("error", (error) => died(`it died of ${describeError(error)}`));
      this.#worker.on("exit", (code) => died(`it ended by itself with code ${code}`));
    });
  }

  async ready(): Promise<this> {
    await deadline(this.#up, START_LIMIT);
    return this;
  }

  send(message: ToActor): void {
    this.#worker.postMessage(message);
  }

  async close(): Promise<void> {
    this.#closing = this.dead = true;
    await this.#worker.terminate();
  }
}

/** Workers of this process. */
export class WorkersDistance extends RemoteDistance {
  readonly name = "workers";
  readonly about = "Workers that share memory";

  protected override open(place: number): Promise<Remote> {
    return new WorkerRemote(place).ready();
  }

  protected override makeStorage(subject: Subject): Promise<Storage> {
    const declared = subject.objects.filter((object) => object.kind === "cell");
    const cells = new Int32Array(
      new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * declared.length),
    );
    declared.forEach((cell, index) => Atomics.store(cells, index, cell.initial));
    const forActors: WorkerStorage = {
      cells,
      indices: Object.fromEntries(declared.map((cell, index) => [cell.name, index])),
      atomic: declared.map((cell) => cell.atomic),
      locks: Object.fromEntries(
        subject.objects.filter((object) => object.kind === "lock").map((object) => [
          object.name,
          createLock(object.name),
        ]),
      ),
      objects: Object.fromEntries(
        [...subject.kinds].map(([name, { workers }]) => {
          if (workers === undefined) {
            throw new TypeError(`Cannot use ${name}: workers cannot share it`);
          }
          return [name, workers.create()];
        }),
      ),
      barrier: SharedBarrier.create(subject.actors.length).handle,
      sequence: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    };
    const looking = new WorkerMedium(forActors, 0, []);
    return Promise.resolve({
      forActors,
      end: () =>
        Object.fromEntries(
          declared.map((cell, index) => [cell.name, Atomics.load(cells, index)]),
        ),
      shared: () =>
        Object.fromEntries(
          [...subject.kinds].map(([name, kind]) => [name, looking.object(name, kind)]),
        ),
      skew: 0,
      freesLocks: false,
      dispose: () => void looking.close(),
    });
  }
}

/** A lock whose owners are the actors, by their places. */
function createLock(label: string): SharedRwLockHandle {
  const lock = SharedRwLock.create({ label });
  lock.detach();
  return lock.handle;
}
