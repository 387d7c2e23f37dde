/**
 * Very many waiters that all time out: what each costs must not depend on how many there are, and
 * nothing of them may be left.
 *
 * Time is moved by hand, so that what is measured is work and not waiting. A sample has 20,000
 * waiters either way: at once, or in ten crowds of 2,000 one after another. What 20,000 cost more
 * each is the collector's, which copies their errors while all of them live: 200,000 at once cost
 * no more each than 20,000 do.
 */
import { ChangeTimeoutError, LockTimeoutError, RwLock, Snapshots } from "../mod.ts";
import { FakeHost } from "../tests/_fake_host.ts";
import { leastGrowth } from "../tests/_garbage.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
} from "../lab/runners/suite.ts";

const ALL = 20_000;
const FEW = 2_000;
const LIMIT_MS = 1000;

/** Something that many can wait for in vain. */
interface Vain {
  readonly name: string;
  readonly error: typeof LockTimeoutError | typeof ChangeTimeoutError;
  /** On a host: begins a wait with these options, and tells how many wait. */
  create(): {
    wait(options: { timeout: number; signal: AbortSignal }): Promise<unknown>;
    waiting(): number;
  };
}

const lock: Vain = {
  name: "RwLock.write()",
  error: LockTimeoutError,
  create() {
    const lock = new RwLock();
    lock.tryWrite();
    return { wait: (options) => lock.write(options), waiting: () => lock.query().waiters.length };
  },
};

const change: Vain = {
  name: "Snapshots.changed()",
  error: ChangeTimeoutError,
  create() {
    const snapshots = new Snapshots(0);
    return {
      wait: (options) => snapshots.changed(0, options),
      waiting: () => snapshots.stats().watchers,
    };
  },
};

/** Lets that many time out at once, so often; answers how many did, and how many are left. */
async function timeOut(vain: Vain, count: number, times: number): Promise<[number, number]> {
  const host = new FakeHost();
  const { signal } = new AbortController();
  const { wait, waiting } = host.build(() => vain.create());
  let timedOut = 0;
  for (let i = 0; i < times; i++) {
    const all: Promise<void>[] = [];
    for (let waiter = 0; waiter < count; waiter++) {
      all.push(
        wait({ timeout: LIMIT_MS, signal }).then(undefined, (error) => {
          if (error instanceof vain.error) timedOut++;
        }),
      );
    }
    await null;
    host.advance(LIMIT_MS);
    await Promise.all(all);
  }
  return [timedOut, waiting() + host.timers];
}

/** How many frames the deepest stack has from which one of that many times out. */
async function deepestStack(vain: Vain, count: number): Promise<number> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  try {
    const host = new FakeHost();
    const { signal } = new AbortController();
    const { wait } = host.build(() => vain.create());
    const stacks = Array.from(
      { length: count },
      () => wait({ timeout: LIMIT_MS, signal }).then(() => "", (error: Error) => error.stack ?? ""),
    );
    await null;
    host.advance(LIMIT_MS);
    return (await Promise.all(stacks)).reduce(
      (deepest, stack) => Math.max(deepest, stack.match(/^ *at /gm)?.length ?? 0),
      0,
    );
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function benchmark(vain: Vain): Benchmark {
  return defineBenchmark(
    `${vain.name}: ${ALL.toLocaleString("en")} waiters that all time out`,
    () => {
      const crowd = (count: number): Contestant => ({
        name: `${(ALL / count).toLocaleString("en")} × ${count.toLocaleString("en")} at once`,
        run: () => timeOut(vain, count, ALL / count),
      });
      return {
        operations: ALL,
        expected: [ALL, 0],
        ours: crowd(ALL),
        rivals: [{ ...crowd(FEW), atMost: 2 }],
        async note() {
          const [few, all] = [await deepestStack(vain, FEW), await deepestStack(vain, ALL)];
          const grown = await leastGrowth(() => timeOut(vain, ALL, 1));
          return `deepest stack ${few} frames with ${
            FEW.toLocaleString("en")
          } and ${all} with all; ` +
            `heap ${grown.toFixed(2)} MB bigger after a round than before it`;
        },
      };
    },
  );
}

/** See above. */
export const benchmarks: BenchmarkSuite = [benchmark(lock), benchmark(change)];
