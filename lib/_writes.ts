/**
 * The writers of some snapshots, and what became of those before them.
 *
 * What always holds: each write is counted once, where its fate is decided. One that has been asked
 * for is in `#open` until it has ended, in the order they were asked for, which is the order of
 * their turns. There are never more of them than there are updates under way.
 */
import { Histogram } from "./_histogram.ts";
import type { Host } from "./_host.ts";
import { type Chunk, Line } from "./_line.ts";
import { Uuids } from "./_uuid.ts";
import type { SnapshotsStats, WriteInfo } from "./_snapshots_types.ts";

/** How a write can end. */
export type WriteEnd = "committed" | "failed" | "timedOut" | "overran" | "aborted" | "conflicts";

/** One write, from when it is asked for to its end. */
export class Write {
  /** Made when somebody asks for it. */
  id: string | undefined = undefined;
  startedAt: number | undefined = undefined;
  chunk: Chunk<Write> | undefined = undefined;
  constructor(readonly label: string | undefined, readonly requestedAt: number) {}
}

/** The part of the statistics that is about writes. */
export type WritesStats = Pick<
  SnapshotsStats,
  "pending" | "active" | Exclude<WriteEnd, "committed"> | "wait" | "run"
>;

/** See above. */
export class Writes {
  readonly #host: Host;
  readonly #uuids: Uuids;
  readonly #open: Line<Write> = new Line();
  readonly #ended: Record<WriteEnd, number> = {
    committed: 0,
    failed: 0,
    timedOut: 0,
    overran: 0,
    aborted: 0,
    conflicts: 0,
  };
  readonly #wait: Histogram | undefined;
  readonly #run: Histogram | undefined;

  constructor(host: Host, stats: boolean) {
    this.#host = host;
    this.#uuids = new Uuids(host);
    if (!stats) return;
    this.#wait = new Histogram();
    this.#run = new Histogram();
  }

  /** A write is asked for. */
  request(label: string | undefined): Write {
    const write = new Write(label, this.#host.now());
    write.chunk = this.#open.append(write);
    return write;
  }

  /** It has its turn. */
  start(write: Write): void {
    write.startedAt = this.#host.now();
    this.#wait?.record(write.startedAt - write.requestedAt);
  }

  /** It is over. */
  end(write: Write, how: WriteEnd): void {
    this.#open.remove(write.chunk!, write);
    this.#ended[how]++;
    if (write.startedAt !== undefined) this.#run?.record(this.#host.now() - write.startedAt);
  }

  /** One that was never under way is over. */
  count(how: WriteEnd): void {
    this.#ended[how]++;
  }

  /** All of it. */
  stats(): WritesStats & { committed: number } {
    // All have their ids before any is shown, so that these are in their order too.
    const open = Array.from(this.#open, (write) => this.#info(write));
    return {
      pending: open.filter(({ startedAt }) => startedAt === undefined),
      active: open.find(({ startedAt }) => startedAt !== undefined),
      ...this.#ended,
      wait: this.#wait?.summary(),
      run: this.#run?.summary(),
    };
  }

  #info(write: Write): WriteInfo {
    const { label, requestedAt, startedAt } = write;
    const id = write.id ??= this.#uuids.next();
    return { id, label, requestedAt, startedAt };
  }
}
