/**
 * Those who have left, until the server knows it.
 *
 * What always holds: whoever leaves is told of at once, and noted only where that was in vain. The
 * server is told again as soon as there is another connection, and while it refuses for the moment
 * (it is busy, or writes nothing) after pauses that grow. Nobody is noted for longer than a lease,
 * for then the server has forgotten him by itself; so this holds no more than leave within one lease.
 */
import { Asker } from "../_retry.ts";
import type { Connection } from "./_connection.ts";
import { mayPass, RETRY } from "./_session.ts";

/** One who is noted. */
interface Absentee {
  /** When the server was in vain told of him: it has not renewed his lease since. */
  readonly noted: number;
  /** Tells whoever waits that there is nothing more to wait for. */
  readonly settled: () => void;
}

/** See above. */
export class Absentees {
  readonly #connection: Connection;
  readonly #keys: readonly string[];
  readonly #lease: number;
  readonly #noted = new Map<string, Absentee>();
  readonly #asker: Asker;
  /** How many questions are not answered yet. */
  #telling = 0;

  /** @param keys Those of the lock that is left. */
  constructor(connection: Connection, keys: readonly string[], lease: number) {
    this.#connection = connection;
    this.#keys = keys;
    this.#lease = lease;
    this.#asker = new Asker(connection.host, () => void this.tellAgain());
  }

  /** Whether the server knows of all who have left. */
  get none(): boolean {
    return this.#noted.size === 0 && this.#telling === 0;
  }

  /**
   * One leaves. Resolves when the server knows it or has forgotten him by itself; at once when it cannot
   * be told on this connection.
   */
  async leave(id: string): Promise<void> {
    try {
      await this.#tell([id]);
    } catch (error) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#forget();
      this.#noted.set(id, { noted: this.#connection.host.now(), settled: resolve });
      this.#failed(error);
      await promise;
    }
  }

  /** Tells of all who are noted. */
  async tellAgain(): Promise<void> {
    this.#forget();
    const ids = [...this.#noted.keys()];
    if (ids.length === 0) return;
    try {
      await this.#tell(ids);
      for (const id of ids) this.#strike(id);
      if (this.#noted.size === 0) this.#asker.stop();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** There is no telling on this connection: nobody is to wait for it. */
  hush(): void {
    this.#asker.stop();
    for (const { settled } of this.#noted.values()) settled();
  }

  async #tell(ids: readonly string[]): Promise<void> {
    const { session } = this.#connection;
    if (session === undefined) throw new Error("there is no connection");
    this.#telling++;
    try {
      await session.call(this.#keys, "leave", ids);
    } finally {
      this.#telling--;
    }
  }

  #failed(error: unknown): void {
    if (!mayPass(error)) this.hush();
    else if (!this.#asker.asks) this.#asker.askLater(RETRY, true);
  }

  #forget(): void {
    const now = this.#connection.host.now();
    for (const [id, { noted }] of this.#noted) {
      if (now - noted < this.#lease) break;
      this.#strike(id);
    }
  }

  #strike(id: string): void {
    this.#noted.get(id)?.settled();
    this.#noted.delete(id);
  }
}
