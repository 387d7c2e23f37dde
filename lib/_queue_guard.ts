/** The guard of a `Queue`, which gives back once what it stands for. */
import { modeOf, type Named } from "./_named.ts";
import type { Queue } from "./_queue.ts";
import type { Guard, LockMode } from "./lock.ts";

/** The right to be inside. All it knows is `#private`, so that nobody can alter it. */
export class QueueGuard implements Guard {
  readonly #queue: Queue;
  readonly #writes: boolean;
  readonly #named: Named | undefined;
  #released = false;

  constructor(queue: Queue, writes: boolean, named: Named | undefined) {
    this.#queue = queue;
    this.#writes = writes;
    this.#named = named;
  }

  get mode(): LockMode {
    return modeOf(this.#writes);
  }

  get released(): boolean {
    return this.#released;
  }

  get label(): string | undefined {
    return this.#named?.party.label;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#queue.leave(this.#writes, this.#named);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
