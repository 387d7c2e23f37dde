/**
 * What is in a simulated file: a size and blocks, each with a history of its own.
 *
 * What always holds: bytes from the size on are zero in the current version of every block, so that
 * a file that grows shows zeros. What is not synced survives a power loss by parts: the blocks and
 * the size independently of each other, each in any version since the last sync. That is all that
 * POSIX allows, and more than most file systems do: it has writes that survive whole, as a prefix,
 * in pieces or not at all; a size without the data and data without the size; and a truncation
 * that survives though the write after it did not. A block is never torn, as a sector is not.
 */
import { type Frozen, History } from "./_history.ts";

/** Something one step did to one history. */
export interface Written {
  readonly history: History<unknown>;
  /** The number of the version it made. */
  readonly version: number;
}

/** Data as it was at one moment. */
export interface FrozenData {
  readonly size: Frozen<number>;
  /** By block number, ascending. */
  readonly blocks: readonly (readonly [number, Frozen<Uint8Array>])[];
}

/** Plain data: what survived. */
export interface Bytes {
  readonly size: number;
  /** By block number; those that are missing are zeros. */
  readonly blocks: ReadonlyMap<number, Uint8Array>;
}

/** Whether two blocks of one size hold the same bytes. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** See above. */
export class FileData {
  readonly #zeros: Uint8Array;
  readonly #blockSize: number;
  readonly #blocks = new Map<number, History<Uint8Array>>();
  readonly #size: History<number>;
  #frozen: FrozenData | undefined;

  /**
   * Data that is durable already.
   *
   * @param zeros A block of them, as long as all blocks are.
   */
  constructor(zeros: Uint8Array, { size, blocks }: Bytes = { size: 0, blocks: new Map() }) {
    this.#zeros = zeros;
    this.#blockSize = zeros.length;
    this.#size = new History(size);
    for (const [number, block] of blocks) this.#blocks.set(number, new History(block));
  }

  /** How many bytes there are. */
  get size(): number {
    return this.#size.current;
  }

  /** Fills `buffer` from `position` on; answers how many bytes there were. */
  read(buffer: Uint8Array, position: number): number {
    const end = Math.max(position, Math.min(this.size, position + buffer.length));
    for (const { number, from, to } of this.#parts(position, end)) {
      const block = this.#blocks.get(number)?.current ?? this.#zeros;
      const start = number * this.#blockSize;
      buffer.set(block.subarray(from - start, to - start), from - position);
    }
    return end - position;
  }

  /** How many blocks a write touches. */
  blocksOf(length: number, position: number): number {
    return [...this.#parts(position, position + length)].length;
  }

  /** Writes `buffer` at `position`; only the first `limit` blocks if the writer dies in between. */
  write(buffer: Uint8Array, position: number, limit: number = Infinity): Written[] {
    const written: Written[] = [];
    for (const { number, from, to } of this.#parts(position, position + buffer.length)) {
      if (limit-- <= 0) break;
      const start = number * this.#blockSize;
      const block = (this.#blocks.get(number)?.current ?? this.#zeros).slice();
      block.set(buffer.subarray(from - position, to - position), from - start);
      this.#setBlock(number, block, written);
      // Block by block, for the size too may have been written back in between.
      if (to > this.size) this.#setSize(to, written);
    }
    return written;
  }

  /** Cuts the data off, or fills it up with zeros. */
  truncate(size: number): Written[] {
    const written: Written[] = [];
    for (const [number, history] of this.#blocks) {
      const kept = size - number * this.#blockSize;
      if (kept >= this.#blockSize) continue;
      const block = history.current.slice();
      block.fill(0, Math.max(0, kept));
      this.#setBlock(number, block, written);
    }
    if (size !== this.size) this.#setSize(size, written);
    return written;
  }

  /** Makes all of it durable. */
  sync(): void {
    this.#frozen = undefined;
    this.#size.sync();
    for (const history of this.#blocks.values()) history.sync();
  }

  /** The data as it is now, with what may survive. */
  freeze(): FrozenData {
    return this.#frozen ??= {
      size: this.#size.freeze(),
      blocks: [...this.#blocks].sort(([a], [b]) => a - b)
        .map(([number, history]) => [number, history.freeze()] as const),
    };
  }

  #setBlock(number: number, block: Uint8Array, written: Written[]): void {
    let history = this.#blocks.get(number);
    if (history === undefined) {
      this.#blocks.set(number, history = new History(this.#zeros));
    }
    if (same(history.current, block)) return;
    this.#frozen = undefined;
    written.push({ history, version: history.push(block) });
  }

  #setSize(size: number, written: Written[]): void {
    this.#frozen = undefined;
    written.push({ history: this.#size, version: this.#size.push(size) });
  }

  *#parts(start: number, end: number): Generator<{ number: number; from: number; to: number }> {
    for (let from = start; from < end;) {
      const number = Math.floor(from / this.#blockSize);
      const to = Math.min(end, (number + 1) * this.#blockSize);
      yield { number, from, to };
      from = to;
    }
  }
}
