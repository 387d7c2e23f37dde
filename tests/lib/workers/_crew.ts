/** Workers that share a lock, a barrier and some words with the test. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { LockMode } from "../../../mod.ts";
import {
  SharedBarrier,
  type SharedBarrierHandle,
  SharedRwLock,
  type SharedRwLockHandle,
} from "../../../lib/workers/mod.ts";

/** What a Worker begins with. */
export interface Setup {
  readonly lock: SharedRwLockHandle;
  readonly more: readonly SharedRwLockHandle[];
  readonly barrier: SharedBarrierHandle;
  readonly owner: number;
  readonly words: Int32Array<SharedArrayBuffer>;
}

/** What a Worker is told to do. */
export interface Order {
  readonly do: "increment" | "append" | "read" | "pass" | "hold" | "stand" | "churn";
  readonly how?: "sync" | "async" | "unguarded";
  readonly mode?: LockMode;
  readonly times?: number;
}

/** One Worker, which is told what to do by an `O` at a time. */
export class Hand<O = Order> {
  readonly owner: number;
  readonly #worker: Worker;
  readonly #died: Promise<never>;

  private constructor(worker: Worker, owner: number) {
    this.owner = owner;
    this.#worker = worker;
    this.#died = once(worker, "error").then(([error]) => {
      throw error;
    });
    this.#died.catch(() => {});
  }

  /** Starts a Worker from `module` with what it begins with, and waits until it listens. */
  static async start<O>(module: URL, setup: { readonly owner: number }): Promise<Hand<O>> {
    const worker = new Worker(module, { workerData: setup });
    const hand = new Hand<O>(worker, setup.owner);
    await hand.#answer();
    return hand;
  }

  /** Gives an order, and answers what came of it. */
  do(order: O): Promise<unknown> {
    const answer = this.#answer();
    this.#worker.postMessage(order);
    return answer;
  }

  /** Ends the Worker wherever it is. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  async #answer(): Promise<unknown> {
    const [answer] = await Promise.race([once(this.#worker, "message"), this.#died]);
    return answer;
  }
}

/** Workers numbered from 1 up; this thread is owner 0. */
export class Crew implements AsyncDisposable {
  readonly lock: SharedRwLock = SharedRwLock.create({ label: "shared" });
  /** Others, for those who hold one and want another. */
  readonly more: readonly SharedRwLock[] = [SharedRwLock.create(), SharedRwLock.create()];
  readonly barrier: SharedBarrier;
  readonly words: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4096));
  readonly hands: Hand[] = [];

  private constructor(parties: number) {
    this.barrier = SharedBarrier.create(parties);
  }

  /** Starts `size` Workers; the barrier is for them, and `besides` more. */
  static async start(size: number, besides = 0): Promise<Crew> {
    const crew = new Crew(size + besides);
    crew.hands.push(
      ...await Promise.all(Array.from({ length: size }, (_, index) => crew.hire(index + 1))),
    );
    return crew;
  }

  /** Starts one Worker as `owner`. */
  hire(owner: number): Promise<Hand> {
    const setup: Setup = {
      lock: this.lock.handle,
      more: this.more.map(({ handle }) => handle),
      barrier: this.barrier.handle,
      owner,
      words: this.words,
    };
    return Hand.start<Order>(new URL("./_worker.ts", import.meta.url), setup);
  }

  /** Gives all the same order. */
  do(order: Order): Promise<unknown[]> {
    return Promise.all(this.hands.map((hand) => hand.do(order)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hands.map((hand) => hand.terminate()));
  }
}
