/**
 * The contract suite, run over every synchronous lock at each of its distances; and over locks with
 * one defect each, which it must find.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation } from "../../lab/worlds/simulation/mod.ts";
import { currentHost, withHost } from "../../lib/_host.ts";
import { SharedRwLock } from "../../lib/workers/mod.ts";
import {
  type AcquireOptions,
  FileLock,
  type Guard,
  type LockMode,
  type LockOptions,
  type LockQuery,
  type LockStats,
  type ReadWriteLock,
  RwLock,
} from "../../mod.ts";
import { FakeHost, settle } from "../_fake_host.ts";
import { promises, type Setup } from "./_lock_contract.ts";

const timeout = 60_000;

/** A lock whose sides are on one host. */
function onFakeHost(create: () => [ReadWriteLock, ReadWriteLock], turns: number): Setup {
  const host = new FakeHost();
  const [mine, theirs] = host.build(create);
  return {
    mine,
    theirs,
    async advance(ms) {
      host.advance(ms);
      for (let turn = 0; turn < turns; turn++) await settle();
    },
    timers: () => host.timers,
    clockReads: () => host.reads,
  };
}

/** A `FileLock` in one simulated process or in two. */
function ofProcesses(count: 1 | 2, options?: LockOptions): Setup {
  const simulation = new Simulation();
  const processes = Array.from({ length: count }, () => simulation.process());
  const locks = processes.map((process) => withHost(process, () => new FileLock("/lock", options)));
  return {
    mine: locks[0],
    theirs: locks[count - 1],
    advance: (ms) => simulation.run(simulation.clock.now() + ms),
    timers: () => processes.reduce((sum, process) => sum + process.timers, 0),
  };
}

interface Subject {
  readonly name: string;
  /**
   * Whether the two sides are tasks of one thread, in whose order they are served. The order of
   * threads, who have one place each in the queue, and the bound between processes are tested
   * where those locks are.
   */
  readonly ordered: boolean;
  readonly create: (options?: LockOptions) => Setup;
}

/** Another thread's news comes by a macrotask, and may take a few. */
const NEWS = 4;

const subjects: readonly Subject[] = [
  {
    name: "RwLock",
    ordered: true,
    create: (options) =>
      onFakeHost(() => {
        const lock = new RwLock(options);
        return [lock, lock];
      }, 1),
  },
  {
    name: "SharedRwLock, tasks of one thread",
    ordered: true,
    create: (options) =>
      onFakeHost(() => {
        const lock = SharedRwLock.create(options);
        return [lock, lock];
      }, NEWS),
  },
  {
    name: "SharedRwLock, two threads",
    ordered: false,
    create: (options) =>
      onFakeHost(() => {
        const lock = SharedRwLock.create(options);
        return [lock, SharedRwLock.attach(lock.handle, options)];
      }, NEWS),
  },
  {
    name: "FileLock, tasks of one process",
    ordered: true,
    create: (options) => ofProcesses(1, options),
  },
  {
    name: "FileLock, two processes",
    ordered: false,
    create: (options) => ofProcesses(2, options),
  },
];

for (const { name, ordered, create } of subjects) {
  describe(`The contract: ${name}`, { timeout }, () => {
    for (const promised of promises) {
      if (promised.ordered && !ordered) continue;
      test(promised.name, { timeout }, () => promised.check(create(promised.options)));
    }
  });
}

/** A right lock in a shape that can be made wrong in one place. */
class Twin implements ReadWriteLock {
  protected readonly lock: RwLock;

  constructor(options?: LockOptions) {
    this.lock = new RwLock(options);
  }
  read(options?: AcquireOptions): Promise<Guard> {
    return this.acquire("read", options);
  }
  write(options?: AcquireOptions): Promise<Guard> {
    return this.acquire("write", options);
  }
  withRead<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    return this.section("read", fn, options);
  }
  withWrite<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    return this.section("write", fn, options);
  }
  tryRead(): Guard | undefined {
    return this.lock.tryRead();
  }
  tryWrite(): Guard | undefined {
    return this.lock.tryWrite();
  }
  query(): LockQuery {
    return this.lock.query();
  }
  stats(): LockStats {
    return this.lock.stats();
  }
  protected acquire(mode: LockMode, options?: AcquireOptions): Promise<Guard> {
    return this.lock[mode](options);
  }
  protected async section<R>(
    mode: LockMode,
    fn: () => R | Promise<R>,
    options?: AcquireOptions,
  ): Promise<R> {
    using _guard = await this.acquire(mode, options);
    return await fn();
  }
}

/** What a peer in ANCHORS §1 does, or might, and the promises that must find it out. */
const twins: readonly [defect: string, twin: new (options?: LockOptions) => Twin, by: RegExp][] = [
  [
    "lets a writer in beside readers",
    class extends Twin {
      override async write(options?: AcquireOptions) {
        return await this.lock.read(options);
      }
    },
    /writer waits beside a reader/,
  ],
  [
    "gives back twice when released twice",
    class extends Twin {
      #stray: Guard[] = [];
      protected override async acquire(mode: LockMode, options?: AcquireOptions) {
        const guard = await super.acquire(mode, options);
        if (mode === "read") this.#stray.push(guard);
        const release = () => {
          if (guard.released) { for (const stray of this.#stray) stray.release(); }
          guard.release();
        };
        return {
          mode,
          label: guard.label,
          get released() {
            return guard.released;
          },
          release,
          [Symbol.dispose]: release,
        };
      }
    },
    /releases once/,
  ],
  [
    "lets anyone release",
    class extends Twin {
      release() {}
    },
    /no release of its own/,
  ],
  [
    "leaves a ghost in the queue when a waiter gives up",
    class extends Twin {
      protected override acquire(mode: LockMode, options?: AcquireOptions) {
        return super.acquire(mode, options).catch((error) => {
          void this.lock.write();
          throw error;
        });
      }
    },
    /times out|aborts|give up/,
  ],
  [
    "looks at its options when it is inside",
    class extends Twin {
      protected override async acquire(mode: LockMode, options?: AcquireOptions) {
        const guard = await super.acquire(mode);
        void options?.label;
        return guard;
      }
    },
    /getter of the options/,
  ],
  [
    "loses the lock when an abort meets the grant",
    class extends Twin {
      protected override async acquire(mode: LockMode, options: AcquireOptions = {}) {
        const guard = await super.acquire(mode, options);
        if (options.signal?.aborted) throw options.signal.reason;
        return guard;
      }
    },
    /loses no lock/,
  ],
  [
    "keeps the lock when a section throws",
    class extends Twin {
      protected override async section<R>(mode: LockMode, fn: () => R | Promise<R>) {
        const guard = await this.acquire(mode);
        const result = await fn();
        guard.release();
        return result;
      }
    },
    /throws or rejects/,
  ],
  [
    "releases before a section's promise has settled",
    class extends Twin {
      protected override async section<R>(mode: LockMode, fn: () => R | Promise<R>) {
        using _guard = await this.acquire(mode);
        return fn();
      }
    },
    /until its promise has settled/,
  ],
  [
    "lets an owner in again",
    class extends Twin {
      #owner: object | undefined;
      protected override async acquire(mode: LockMode, options: AcquireOptions = {}) {
        const again = options.owner !== undefined && options.owner === this.#owner;
        if (again) return await new RwLock()[mode]();
        this.#owner = options.owner;
        return await super.acquire(mode, options);
      }
    },
    /re-entrant/,
  ],
  [
    "tells of no contention",
    class extends Twin {
      constructor({ label }: LockOptions = {}) {
        super({ label });
      }
    },
    /onContention/,
  ],
  [
    "counts one that timed out as aborted",
    class extends Twin {
      override stats() {
        const { timedOut, aborted, ...stats } = super.stats();
        return { ...stats, timedOut: 0, aborted: aborted + timedOut };
      }
    },
    /counts each acquire once/,
  ],
  [
    "counts waits that have not ended as none",
    class extends Twin {
      override stats() {
        const stats = super.stats();
        return { ...stats, longestWait: stats.wait.max };
      }
    },
    /counts each acquire once/,
  ],
  [
    "tells statistics that it does not have",
    class extends Twin {
      override stats() {
        return new RwLock({ stats: true }).stats();
      }
    },
    /statistics are refused/,
  ],
  [
    "lets readers overtake a waiting writer",
    class extends Twin {
      #readers: Guard | undefined;
      #count = 0;
      protected override async acquire(mode: LockMode, options?: AcquireOptions) {
        if (mode === "write") return await super.acquire(mode, options);
        if (this.#count++ === 0) this.#readers = await super.acquire(mode, options);
        let released = false;
        const release = () => {
          if (!released && --this.#count === 0) this.#readers!.release();
          released = true;
        };
        return {
          mode,
          get released() {
            return released;
          },
          release,
          [Symbol.dispose]: release,
        };
      }
    },
    /first come/,
  ],
  [
    "lets a try overtake",
    class extends Twin {
      override tryRead() {
        const { holders } = this.query();
        if (holders.every(({ mode }) => mode === "read")) return new RwLock().tryRead();
        return undefined;
      }
    },
    /overtake/,
  ],
  [
    "reads the clock for each acquire",
    class extends Twin {
      readonly #host = currentHost();
      protected override acquire(mode: LockMode, options?: AcquireOptions) {
        this.#host.now();
        return super.acquire(mode, options);
      }
    },
    /no clock/,
  ],
];

describe("The contract finds", { timeout }, () => {
  test("nothing wrong with the twin that has no defect", { timeout }, async () => {
    for (const { options, check } of promises) {
      await check(onFakeHost(() => {
        const lock = new Twin(options);
        return [lock, lock];
      }, 1));
    }
  });

  for (const [defect, Broken, by] of twins) {
    test(`a lock that ${defect}`, { timeout }, async () => {
      const found: string[] = [];
      for (const { name, options, check } of promises) {
        const setup = onFakeHost(() => {
          const lock = new Broken(options);
          return [lock, lock];
        }, 1);
        await check(setup).catch(() => void found.push(name));
      }
      assert(found.some((name) => by.test(name)), `found by: ${found.join("; ") || "none"}`);
    });
  }
});
