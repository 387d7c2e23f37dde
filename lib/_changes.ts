/**
 * Those who wait for a later epoch.
 *
 * Epochs go up one by one, so when one comes, those who are served by it are those who wait for what
 * comes after the one before: they stand together, in a line for each `since`, and nobody else is
 * looked at. So a commit costs what it serves, and leaving costs the same however many wait.
 */
import { type Deadlines, deadlinesOf, type Expirable } from "./_deadlines.ts";
import type { Host } from "./_host.ts";
import { Limit } from "./_limit.ts";
import { type Chunk, Line } from "./_line.ts";
import type { Abortable } from "./_signals.ts";
import { ChangeTimeoutError } from "./errors.ts";

/** One who waits. */
class ChangeWait implements Expirable, Abortable {
  chunk: Chunk<ChangeWait> | undefined = undefined;
  limit: Limit | undefined = undefined;

  constructor(
    readonly changes: Changes,
    readonly since: number,
    readonly resolve: (epoch: number) => void,
    readonly reject: (reason: unknown) => void,
  ) {}

  expire(waited: number): void {
    this.#leave(new ChangeTimeoutError(this.changes.watched, this.since, waited));
  }

  abort(reason: unknown): void {
    this.#leave(reason);
  }

  afterAbort(): void {}

  #leave(reason: unknown): void {
    this.changes.remove(this);
    this.reject(reason);
  }
}

/** See above. */
export class Changes {
  /** What is waited for, in errors. */
  readonly watched: string;
  readonly #deadlines: Deadlines;
  readonly #lines = new Map<number, Line<ChangeWait>>();
  #size = 0;

  constructor(host: Host, watched: string) {
    this.watched = watched;
    this.#deadlines = deadlinesOf(host);
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Resolves with the first epoch after `since`, which has not come yet.
   *
   * @throws {ChangeTimeoutError} when `timeout` is 0
   */
  wait(since: number, timeout: number, signal: AbortSignal | undefined): Promise<number> {
    if (timeout === 0) throw new ChangeTimeoutError(this.watched, since, 0);
    return new Promise((resolve, reject) => {
      const wait = new ChangeWait(this, since, resolve, reject);
      let line = this.#lines.get(since);
      if (line === undefined) this.#lines.set(since, line = new Line());
      wait.chunk = line.append(wait);
      this.#size++;
      if (timeout !== Infinity || signal !== undefined) {
        wait.limit = new Limit(this.#deadlines, wait, timeout, signal);
      }
    });
  }

  /** An epoch has come. */
  come(epoch: number): void {
    const line = this.#lines.get(epoch - 1);
    if (line === undefined) return;
    this.#lines.delete(epoch - 1);
    this.#size -= line.size;
    for (const wait of line) {
      wait.limit?.end();
      wait.resolve(epoch);
    }
  }

  /** One waits no longer. */
  remove(wait: ChangeWait): void {
    wait.limit?.end();
    const line = this.#lines.get(wait.since)!;
    line.remove(wait.chunk!, wait);
    if (line.size === 0) this.#lines.delete(wait.since);
    this.#size--;
  }
}
