/**
 * The case of the document on shardex: 20 readers, and 3 writers of which one is at work for as long as
 * the readers are watched while the other two wait. How many reads a second are there, beside how many
 * when nobody writes?
 */
import { setImmediate } from "node:timers/promises";
import { RwLock, Snapshots } from "../../mod.ts";

/** How many read. */
export const READERS = 20;
/** How many write. */
export const WRITERS = 3;

/** How often each of the four is watched. */
const ROUNDS = 3;

/** A reader lets timers and input run after so many reads. */
const SLICE = 32;

/** An index that is whole if its parts are equal. */
interface Index {
  readonly size: number;
  readonly entries: number;
}

/** How readers and writers come to the index. */
interface Access {
  readonly name: string;
  /** Looks at the index, letting others run in the midst of it; answers whether it was whole. */
  read(): Promise<boolean>;
  /** Makes a new index, which takes as long as `work`. */
  write(work: Promise<void>): Promise<unknown>;
  /** How many writes have been finished. */
  finished(): number;
}

/** What came of watching the readers. */
export interface ReadsResult {
  readonly name: string;
  /** Reads a second while nobody writes, of all readers together: the median of the rounds. */
  readonly alone: number;
  /** The same while a write is in flight. */
  readonly beside: number;
  /** What was wrong, if anything was. */
  readonly failure?: string;
}

async function isWhole(index: Index): Promise<boolean> {
  const { size } = index;
  await undefined;
  return size === index.entries;
}

const next = ({ size }: Index): Index => ({ size: size + 1, entries: size + 1 });

function snapshots(): Access {
  const index = new Snapshots<Index>({ size: 0, entries: 0 });
  return {
    name: "Snapshots",
    read: () => index.view(isWhole),
    write: (work) =>
      index.update(async (value) => {
        await work;
        return next(value);
      }),
    finished: () => index.epoch,
  };
}

function readWriteLock(): Access {
  const lock = new RwLock();
  let index: Index = { size: 0, entries: 0 };
  return {
    name: "RwLock",
    read: () => lock.withRead(() => isWhole(index)),
    write: (work) =>
      lock.withWrite(async () => {
        await work;
        index = next(index);
      }),
    finished: () => index.size,
  };
}

/** Watches the readers for a while; answers how many reads a second there were. */
async function watch(access: Access, time: number, writers: number): Promise<number> {
  const working = Promise.withResolvers<void>();
  const before = access.finished();
  const writes = Array.from({ length: writers }, () => access.write(working.promise));
  let watching = true;
  let reads = 0;
  let torn = 0;
  const reader = async () => {
    for (let i = 1; watching; i++) {
      const whole = await access.read();
      if (!whole) torn++;
      if (watching) reads++;
      if (i % SLICE === 0) await setImmediate();
    }
  };
  const from = performance.now();
  const readers = Array.from({ length: READERS }, reader);
  while (performance.now() - from < time) await setImmediate();
  const elapsed = performance.now() - from;
  watching = false;
  const during = access.finished() - before;
  working.resolve();
  await Promise.all([...readers, ...writes]);
  const after = access.finished() - before;
  if (torn > 0) throw new Error(`${torn} reads saw half of a write`);
  if (during !== 0) throw new Error("no write was in flight any more");
  if (after !== writers) throw new Error(`${after} of ${writers} writes were finished`);
  return reads / elapsed * 1000;
}

function median(rates: readonly number[]): number {
  return rates.toSorted((a, b) => a - b)[rates.length >> 1];
}

/**
 * Watches readers with and without a write in flight, in turn.
 *
 * @param time For how long each time, in milliseconds.
 * @param measuring Told before each.
 */
export async function readsBesideWrite(
  time: number,
  measuring?: (done: number, total: number, what: string) => void,
): Promise<ReadsResult[]> {
  const all = [snapshots(), readWriteLock()].map((access) => ({
    access,
    alone: [] as number[],
    beside: [] as number[],
    failure: undefined as string | undefined,
  }));
  let done = 0;
  // The first round counts for nothing: code is compiled in it.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const each of round % 2 === 0 ? all : all.toReversed()) {
      measuring?.(done++, all.length * (ROUNDS + 1), each.access.name);
      try {
        const alone = await watch(each.access, time, 0);
        const beside = await watch(each.access, time, WRITERS);
        if (round === 0) continue;
        each.alone.push(alone);
        each.beside.push(beside);
      } catch (error) {
        each.failure ??= (error as Error).message;
      }
    }
  }
  return all.map(({ access, alone, beside, failure }) => ({
    name: access.name,
    alone: failure === undefined ? median(alone) : 0,
    beside: failure === undefined ? median(beside) : 0,
    failure,
  }));
}
