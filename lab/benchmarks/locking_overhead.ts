/**
 * What a lock costs that nobody else wants, at each distance: around one write or one read of what is
 * shared there, and around a hundred of them at once. After the table of the document on multi-writer
 * scenarios of maph.
 *
 * What is shared is the least that can be at that distance, so that the lock has nothing to hide
 * behind: a `Map`, a word of shared memory, eight bytes of a file that is written in place, a key of a
 * Redis server. Before anything is measured it is seen that the lock keeps a stranger out.
 */
import { createClient } from "redis";
import { makeTempDir } from "@std/fs/unstable-make-temp-dir";
import { remove } from "@std/fs/unstable-remove";
import { join } from "node:path";
import { systemHost } from "../../lib/_host.ts";
import { RedisLocks } from "../../lib/redis/mod.ts";
import { SharedRwLock } from "../../lib/workers/mod.ts";
import { FileLock, RwLock } from "../../mod.ts";
import { RedisServer, whyNoRedisServer } from "../worlds/_redis_server.ts";
import type { Guard, LockMode } from "../../lib/lock.ts";
import type { PrepareCase } from "./case.ts";

/** How many operations a batch has. */
export const BATCH = 100;

/** The operations whose lock is measured. */
export const OPERATIONS = ["write", "read", "batch of writes", "batch of reads"] as const;

/** One of them. */
export type Operation = typeof OPERATIONS[number];

/** A distance at which a lock is measured. */
export interface OverheadDistance {
  /** Who is kept apart. */
  readonly name: string;
  /** The lock. */
  readonly lock: string;
  /** What is shared. */
  readonly state: string;
  /** Why it cannot be measured here; missing where it can. */
  readonly missing?: string;
  /** Each operation, with the lock and without it. */
  readonly cases: readonly { readonly operation: Operation; readonly prepare: PrepareCase }[];
}

/** What is shared at a distance, and its lock. */
interface Place {
  /** How many operations a sample has: as many as take milliseconds. A multiple of a batch. */
  readonly operations: number;
  /** Writes a value, or reads it and answers it later by `seen`. */
  readonly perform: Readonly<Record<LockMode, (value: number) => unknown>>;
  /** What the last read has read. */
  seen(): number;
  /** Forgets that: who reads nothing has seen nothing. */
  forget(): void;
  /** Enters and performs so many operations at a time. */
  readonly loops: (mode: LockMode, size: number) => Loops;
  /** Whether another object of the same lock could enter to write, while this one is held. */
  strangerEnters(mode: LockMode): Promise<{ during: boolean; after: boolean }>;
  close(): unknown;
}

/** So many rounds of an operation, with the lock held in each round and without it. */
interface Loops {
  locked(rounds: number): unknown;
  free(rounds: number): unknown;
}

/** Where neither the lock nor the operation has to be waited for. */
function synchronous(enter: () => Guard, perform: (value: number) => unknown, size: number): Loops {
  return {
    locked(rounds) {
      for (let round = 0, value = 0; round < rounds; round++) {
        const guard = enter();
        for (let i = 0; i < size; i++) perform(value++);
        guard.release();
      }
    },
    free(rounds) {
      for (let round = 0, value = 0; round < rounds; round++) {
        for (let i = 0; i < size; i++) perform(value++);
      }
    },
  };
}

/** Where the lock has to be waited for, and the operation not. */
function awaited(
  enter: () => Promise<Guard>,
  perform: (value: number) => unknown,
  size: number,
): Loops {
  return {
    ...synchronous(() => ({}) as Guard, perform, size),
    async locked(rounds) {
      for (let round = 0, value = 0; round < rounds; round++) {
        const guard = await enter();
        for (let i = 0; i < size; i++) perform(value++);
        guard.release();
      }
    },
  };
}

/** Where everything has to be waited for. */
function remote(
  enter: () => Promise<{ release(): Promise<void> }>,
  perform: (value: number) => unknown,
  size: number,
): Loops {
  return {
    async locked(rounds) {
      for (let round = 0, value = 0; round < rounds; round++) {
        const guard = await enter();
        for (let i = 0; i < size; i++) await perform(value++);
        await guard.release();
      }
    },
    async free(rounds) {
      for (let round = 0, value = 0; round < rounds; round++) {
        for (let i = 0; i < size; i++) await perform(value++);
      }
    },
  };
}

/** Asks a stranger while the lock is held, and afterwards. */
async function askStranger(
  enter: () => Promise<{ release(): unknown }> | { release(): unknown },
  stranger: () => unknown,
): Promise<{ during: boolean; after: boolean }> {
  const guard = await enter();
  const during = await stranger() as boolean;
  await guard.release();
  return { during, after: await stranger() as boolean };
}

/** Whether somebody entered, who then leaves. */
function left(guard: Guard | undefined): boolean {
  guard?.release();
  return guard !== undefined;
}

function tasks(): Place {
  const map = new Map<string, number>();
  let last = -1;
  const lock = new RwLock();
  const enter = (mode: LockMode) => mode === "write" ? () => lock.write() : () => lock.read();
  const perform = {
    write: (value: number) => map.set("key", value),
    read: () => last = map.get("key")!,
  };
  return {
    operations: 20_000,
    perform,
    seen: () => last,
    forget: () => void (last = -1),
    loops: (mode, size) => awaited(enter(mode), perform[mode], size),
    strangerEnters: (mode) => askStranger(enter(mode), () => left(lock.tryWrite())),
    close: () => {},
  };
}

function workers(): Place {
  const words = new Int32Array(new SharedArrayBuffer(4));
  let last = -1;
  const lock = SharedRwLock.create();
  const stranger = SharedRwLock.attach(lock.handle);
  const enter = (mode: LockMode) =>
    mode === "write" ? () => lock.writeSync() : () => lock.readSync();
  const perform = {
    write: (value: number) => Atomics.store(words, 0, value),
    read: () => last = Atomics.load(words, 0),
  };
  return {
    operations: 20_000,
    perform,
    seen: () => last,
    forget: () => void (last = -1),
    loops: (mode, size) => synchronous(enter(mode), perform[mode], size),
    strangerEnters: (mode) => askStranger(enter(mode), () => left(stranger.tryWrite())),
    close: () => {
      stranger.detach();
      lock.detach();
    },
  };
}

async function processes(): Promise<Place> {
  const { files } = systemHost;
  const folder = await makeTempDir({ prefix: "interlock-bench-" });
  const file = files.open(join(folder, "data"), { create: true, mode: 0o600 });
  const view = new DataView(new ArrayBuffer(8));
  const bytes = new Uint8Array(view.buffer);
  const lock = new FileLock(join(folder, "lock"));
  const enter = (mode: LockMode) => mode === "write" ? () => lock.write() : () => lock.read();
  const perform = {
    write: (value: number) => {
      view.setFloat64(0, value);
      file.write(bytes, 0);
    },
    read: () => file.read(bytes, 0),
  };
  return {
    operations: 2_000,
    perform,
    seen: () => view.getFloat64(0),
    forget: () => view.setFloat64(0, -1),
    loops: (mode, size) => awaited(enter(mode), perform[mode], size),
    // All objects of this process are one lock; a descriptor of its own is another process.
    strangerEnters: (mode) =>
      askStranger(enter(mode), () => {
        const stranger = files.open(lock.path, { create: true, mode: 0o600 });
        const entered = stranger.tryLock("exclusive");
        stranger.close();
        return entered;
      }),
    close: () => {
      file.close();
      lock.close();
      return remove(folder, { recursive: true });
    },
  };
}

async function machines(): Promise<Place> {
  const server = await RedisServer.start();
  const client = createClient({ url: server.url });
  await client.connect();
  const [ours, others] = await Promise.all([0, 1].map(() => RedisLocks.connect(server.url)));
  const [lock, stranger] = [ours, others].map((side) => side.lock("lock", { restartGrace: 0 }));
  let last = -1;
  const enter = (mode: LockMode) => mode === "write" ? () => lock.write() : () => lock.read();
  const perform = {
    write: (value: number) => client.set("key", value),
    read: async () => last = Number(await client.get("key")),
  };
  return {
    operations: BATCH,
    perform,
    seen: () => last,
    forget: () => void (last = -1),
    loops: (mode, size) => remote(enter(mode), perform[mode], size),
    strangerEnters: (mode) =>
      askStranger(enter(mode), async () => {
        const guard = await stranger.tryWrite();
        await guard?.release();
        return guard !== undefined;
      }),
    close: async () => {
      await Promise.all([ours.close(), others.close()]);
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

function modeOf(operation: Operation): LockMode {
  return operation.includes("write") ? "write" : "read";
}

function caseOf(
  distance: string,
  operation: Operation,
  open: () => Place | Promise<Place>,
): PrepareCase {
  return async () => {
    const place = await open();
    const mode = modeOf(operation);
    const { during, after } = await place.strangerEnters(mode);
    if (during || !after) {
      await place.close();
      throw new Error(
        `Cannot measure the lock between ${distance}: it keeps ${
          during ? "nobody" : "everybody"
        } out`,
      );
    }
    const size = operation.startsWith("batch") ? BATCH : 1;
    const rounds = place.operations / size;
    const loops = place.loops(mode, size);
    // The answer is what was read last: where the loop writes, anew, the last of what it has written.
    const run = (loop: (rounds: number) => unknown) => async () => {
      await place.perform.write(mode === "read" ? place.operations - 1 : -1);
      place.forget();
      await loop(rounds);
      if (mode === "write") {
        place.forget();
        await place.perform.read(0);
      }
      return place.seen();
    };
    return {
      operations: rounds,
      expected: place.operations - 1,
      ways: [
        { name: "with the lock", run: run(loops.locked) },
        { name: "without a lock", run: run(loops.free) },
      ],
      close: async () => void await place.close(),
    };
  };
}

const DISTANCES = [
  { name: "tasks", lock: "RwLock", state: "a Map", open: tasks },
  { name: "workers", lock: "SharedRwLock", state: "a word of shared memory", open: workers },
  { name: "processes", lock: "FileLock", state: "8 bytes of a file", open: processes },
  { name: "machines", lock: "RedisLock", state: "a key of a Redis server", open: machines },
] as const;

/** The distances, nearest first. */
export function overheadDistances(): OverheadDistance[] {
  return DISTANCES.map(({ name, lock, state, open }) => ({
    name,
    lock,
    state,
    missing: name === "machines" ? whyNoRedisServer() : undefined,
    cases: OPERATIONS.map((operation) => ({ operation, prepare: caseOf(name, operation, open) })),
  }));
}
