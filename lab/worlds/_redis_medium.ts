/**
 * Shared objects that are on a Redis server.
 *
 * A cell is a key, and each operation on it one command or one script, so that it is atomic whatever
 * was asked for. All keys of a run begin alike, and all expire: a run that crashed leaves nothing for
 * ever. A cell is only written where it is, for an actor of a run that is over would bring it back.
 */
import { createClient } from "redis";
import { type RedisLock, RedisLocks } from "../../lib/redis/mod.ts";
import { keysOf } from "../../lib/redis/_script.ts";
import type { AcquireOptions } from "../../lib/lock.ts";
import type { RawGuard, RawLock } from "./_lock_view.ts";
import type { RawCell } from "./_medium.ts";
import type { ObjectKind, RedisPlace } from "./object_kind.ts";
import { sharedNow } from "./_protocol.ts";
import type { RemoteMedium } from "./_remote_actor.ts";
import type { EndState, SharedObjects, Subject } from "./scenario.ts";

/** After how many seconds keys go by themselves: no run takes so long. */
const EXPIRY = 600;

const COMPARE_AND_SET = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
`;

/** Where the shared objects of one run are. */
export interface MachinesStorage {
  readonly url: string;
  /** What the run's keys begin with. */
  readonly prefix: string;
  /** The lease of its locks, in ms. */
  readonly lease: number;
  /** Whether actors may be killed. */
  readonly mortal: boolean;
}

function makeClient(url: string) {
  return createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } });
}

/** How one process reaches a server, for as many runs as it takes part in. */
export class RedisAccess {
  readonly locks: RedisLocks;
  readonly #client: ReturnType<typeof makeClient>;

  private constructor(locks: RedisLocks, client: ReturnType<typeof makeClient>) {
    this.locks = locks;
    this.#client = client;
  }

  /** @throws {RedisUnavailableError} when the server cannot be reached */
  static async open(url: string): Promise<RedisAccess> {
    const locks = await RedisLocks.connect(url);
    const client = makeClient(url);
    client.on("error", () => {}); // whatever is under way fails with it
    await client.connect();
    return new RedisAccess(locks, client);
  }

  command(...args: readonly string[]): Promise<unknown> {
    return this.#client.sendCommand([...args]);
  }

  /** Ends the connections, when the server knows who has left. */
  async close(): Promise<void> {
    await this.locks.close();
    if (this.#client.isOpen) this.#client.destroy();
  }
}

const cellKey = ({ prefix }: MachinesStorage, name: string) => `${prefix}:cell:${name}`;
const objectKey = ({ prefix }: MachinesStorage, name: string) => `${prefix}:object:${name}`;
const lockName = ({ prefix }: MachinesStorage, name: string) => `${prefix}:${name}`;

/** Makes the shared objects of a run. */
export async function prepareKeys(
  access: RedisAccess,
  storage: MachinesStorage,
  { objects }: Subject,
): Promise<void> {
  const cells = objects.filter((object) => object.kind === "cell");
  await Promise.all(
    cells.map(({ name, initial }) =>
      access.command("SET", cellKey(storage, name), String(initial), "EX", String(EXPIRY))
    ),
  );
}

/** All keys that a run may have made. */
export function keysOfRun(storage: MachinesStorage, { objects }: Subject): string[] {
  return objects.flatMap(({ kind, name }) => {
    if (kind === "cell") return [cellKey(storage, name)];
    const lock = keysOf(lockName(storage, name));
    if (kind === "lock") return lock;
    return kind === "object" ? [objectKey(storage, name), ...lock] : [];
  });
}

/** Looks at what is left of a run. */
export function lookAtKeys(
  access: RedisAccess,
  storage: MachinesStorage,
  { objects, kinds }: Subject,
): { end(): Promise<EndState>; shared(): SharedObjects } {
  const medium = new RedisMedium(access, storage);
  return {
    end: async () => {
      const cells = objects.filter(({ kind }) => kind === "cell").map(({ name }) => name);
      const values = await Promise.all(cells.map((name) => medium.cell(name).read()));
      return Object.fromEntries(cells.map((name, i) => [name, values[i]]));
    },
    shared: () =>
      Object.fromEntries([...kinds].map(([name, kind]) => [name, medium.object(name, kind)])),
  };
}

/** A `RedisLock` as the lab knows locks. */
class LockOnServer implements RawLock {
  readonly #lock: RedisLock;

  constructor(lock: RedisLock, readonly keptFor: number | undefined) {
    this.#lock = lock;
  }

  read(options: AcquireOptions): Promise<RawGuard> {
    return this.#lock.read(options);
  }

  write(options: AcquireOptions): Promise<RawGuard> {
    return this.#lock.write(options);
  }

  tryRead(): Promise<RawGuard | undefined> {
    return this.#lock.tryRead();
  }

  tryWrite(): Promise<RawGuard | undefined> {
    return this.#lock.tryWrite();
  }

  /** What is asked later over the same connection is answered later. */
  asked(): Promise<unknown> {
    return this.#lock.query();
  }
}

/** Keys of a server as one process reaches them. */
export class RedisMedium implements RemoteMedium {
  readonly #access: RedisAccess;
  readonly #storage: MachinesStorage;
  readonly #locks = new Map<string, LockOnServer>();
  readonly #objects = new Map<string, object>();
  readonly #closing: (() => void | Promise<void>)[] = [];

  constructor(access: RedisAccess, storage: MachinesStorage) {
    this.#access = access;
    this.#storage = storage;
  }

  cell(name: string): { read(): Promise<number> } & RawCell {
    const key = cellKey(this.#storage, name);
    const access = this.#access;
    return {
      read: async () => Number(await access.command("GET", key)),
      write: async (value) => void await access.command("SET", key, String(value), "XX", "KEEPTTL"),
      compareAndSet: async (expected, next) =>
        await access.command("EVAL", COMPARE_AND_SET, "1", key, String(expected), String(next)) ===
          1,
    };
  }

  async waiting(lock: string): Promise<readonly string[]> {
    const { waiters } = await this.#lock(lock, {}).query();
    return waiters.map(({ label }) => label!);
  }

  lock(name: string): RawLock {
    let lock = this.#locks.get(name);
    if (lock === undefined) {
      const { lease, mortal } = this.#storage;
      lock = new LockOnServer(this.#lock(name, { lease }), mortal ? lease : undefined);
      this.#locks.set(name, lock);
    }
    return lock;
  }

  /** Busy until the moment named, for a timer would wake each process at another one. */
  awaitStart(at: number): void {
    while (sharedNow() < at);
  }

  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T {
    const { machines, close } = kind;
    let object = this.#objects.get(name) as T | undefined;
    if (object === undefined) {
      if (machines === undefined) {
        throw new TypeError(`Cannot use ${name}: clients of a server cannot share it`);
      }
      const made = object = machines({
        key: objectKey(this.#storage, name),
        expiry: EXPIRY,
        command: (...args) => this.#access.command(...args),
        lock: (options) => this.#lock(name, options),
      });
      this.#objects.set(name, made);
      if (close !== undefined) this.#closing.push(() => close(made));
    }
    return object;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }

  /** Names are not used twice, so no server can have forgotten who was inside. */
  #lock(name: string, options: Parameters<RedisPlace["lock"]>[0]): RedisLock {
    return this.#access.locks.lock(lockName(this.#storage, name), { restartGrace: 0, ...options });
  }
}
