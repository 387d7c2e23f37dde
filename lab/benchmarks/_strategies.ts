/**
 * The ways for several processes to change one file, each as the process has it that runs it: what an
 * update is, and what its share of the work is.
 *
 * The file is read and written in place, as the memory-mapped file of the document is: a number in it
 * counts updates. An update reads it, adds one, and writes it back.
 */
import { crc32 } from "../../lib/_crc32.ts";
import { type OpenFile, systemHost } from "../../lib/_host.ts";
import { RedisLocks } from "../../lib/redis/mod.ts";
import { FileLock } from "../../mod.ts";

/** The names of the strategies, in the document's order. */
export const STRATEGY_NAMES = [
  "single writer",
  "file locking",
  "application coordination",
  "partitioning",
  "no coordination",
] as const;

/** The name of a strategy. */
export type StrategyName = typeof STRATEGY_NAMES[number];

/** What a process is to do. */
export interface StrategyOrder {
  readonly strategy: StrategyName;
  /** Which of the processes this is, from 0. */
  readonly place: number;
  /** The folder with the file and its locks. */
  readonly folder: string;
  /** The server of those who coordinate by one. */
  readonly redis?: string;
  /** For how long, in milliseconds. */
  readonly time: number;
}

/** What a process does, again and again. */
export interface Share {
  /** Whether it updates, or only reads beside the one who does. */
  readonly writes: boolean;
  /** One update, or one read. */
  perform(): void | Promise<void>;
  /** Gives back what it holds. */
  close(): unknown;
}

/** Apart from each other, so that no two numbers are in one cache line or sector. */
const DISTANCE = 4096;

/** A number and its checksum. */
const NUMBER = 8;
const LENGTH = 12;

/** Numbers in a file that is written in place. */
export class NumberFile {
  readonly #file: OpenFile;
  readonly #view = new DataView(new ArrayBuffer(LENGTH));
  readonly #number = new Uint8Array(this.#view.buffer, 0, NUMBER);
  readonly #bytes = new Uint8Array(this.#view.buffer);

  /** Opens it; without `readOnly` it is made if it is missing. */
  constructor(folder: string, readOnly = false) {
    this.#file = systemHost.files.open(
      `${folder}/data`,
      readOnly ? { create: false, readOnly } : { create: true, mode: 0o600 },
    );
  }

  /** The number at a place; 0 if none was written yet. */
  read(place: number): number {
    const there = this.#file.read(this.#bytes, place * DISTANCE);
    return there < LENGTH ? 0 : this.#view.getFloat64(0);
  }

  /**
   * The number at a place while another process writes it: systems let a reader see some bytes of a
   * write before the others, so it is read until its checksum is right.
   */
  readBeside(place: number): number {
    for (;;) {
      const number = this.read(place);
      if (number === 0 || this.#view.getUint32(NUMBER) === crc32(this.#number)) return number;
    }
  }

  /** Replaces the number at a place. */
  write(place: number, value: number): void {
    this.#view.setFloat64(0, value);
    this.#view.setUint32(NUMBER, crc32(this.#number));
    this.#file.write(this.#bytes, place * DISTANCE);
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }
}

/**
 * What a process does under a strategy.
 *
 * @throws {Error} when two come to be the single writer
 */
export async function shareOf(order: StrategyOrder): Promise<Share> {
  const { strategy, place, folder, redis } = order;
  const reads = strategy === "single writer" && place > 0;
  const file = new NumberFile(folder, reads);
  const add = (at: number) => file.write(at, file.read(at) + 1);
  const lock = new FileLock(`${folder}/lock`);
  const close = () => {
    file.close();
    lock.close();
  };
  switch (strategy) {
    case "single writer":
      return reads ? readBeside(file, lock, close) : await writeAlone(() => add(0), lock, close);
    case "file locking":
      return { writes: true, perform: () => lock.withWrite(() => add(0)), close };
    case "application coordination": {
      const locks = await RedisLocks.connect(redis!);
      const writers = locks.lock("writers", { restartGrace: 0 });
      return {
        writes: true,
        perform: () => writers.withWrite(() => add(0)),
        close: () => {
          locks.close();
          close();
        },
      };
    }
    case "partitioning":
      return { writes: true, perform: () => add(place), close };
    case "no coordination":
      return { writes: true, perform: () => add(0), close };
  }
}

/** One claim for good. */
async function writeAlone(
  update: () => void,
  claim: FileLock,
  close: () => void,
): Promise<Share> {
  const guard = await claim.write({ timeout: 0 });
  return {
    writes: true,
    perform: update,
    close: () => {
      guard.release();
      close();
    },
  };
}

/** With a handle that cannot write, and a claim that is refused: the writer has made its own before. */
function readBeside(file: NumberFile, claim: FileLock, close: () => void): Share {
  const guard = claim.tryWrite();
  if (guard !== undefined) {
    close();
    throw new Error("two came to be the single writer");
  }
  let seen = 0;
  return {
    writes: false,
    perform: () => {
      const now = file.readBeside(0);
      if (now < seen) throw new Error(`the count went back from ${seen} to ${now}`);
      seen = now;
    },
    close,
  };
}
