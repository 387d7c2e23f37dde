/**
 * The distance of machines: each actor is a process of its own and a client of one Redis server, the
 * cells are keys, the lock is `RedisLock`. All of it is on this machine, for what tells machines from
 * processes is that they share nothing but a server.
 */
import process from "node:process";
import { WorldError } from "./distance.ts";
import { ProcessRemote } from "./_process_remote.ts";
import type { MachinesStorage, RedisAccess } from "./_redis_medium.ts";
import { RedisServer, whyNoRedisServer } from "./_redis_server.ts";
import type { Remote, Storage } from "./_remote.ts";
import { RemoteDistance } from "./_remote_distance.ts";
import type {} from "./_machine_main.ts";
import { moduleBeside, runtimes } from "./_runtimes.ts";
import type { Subject } from "./scenario.ts";

/** By how much the clocks of two processes may differ, in ms: they begin at different times. */
const SKEW = 1;

/** The lease of locks, in ms: where nobody dies it need not end. */
const LEASE = { mortal: 1_000, immortal: 10_000 };

/** A server that others see to, if one is named. */
function given(): string | undefined {
  return process.env.INTERLOCK_REDIS || undefined;
}

/** Why there can be no machines here, and how there could; `undefined` where there can. */
export function whyNoMachines(): string | undefined {
  if (given() !== undefined) return undefined;
  const why = whyNoRedisServer();
  return why && `${why}, and INTERLOCK_REDIS names no other`;
}

/** A server, and how we reach it. */
interface Reached {
  readonly url: string;
  readonly access: RedisAccess;
  /** Ours, if nobody has named another. */
  readonly own: RedisServer | undefined;
}

/** Removes keys; where the connection is gone, they go when they expire. */
async function remove(access: RedisAccess, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) await access.command("UNLINK", ...keys).catch(() => {});
}

/** Clients of a Redis server: that of `INTERLOCK_REDIS`, else one that is started and ended here. */
export class MachinesDistance extends RemoteDistance {
  readonly name = "machines";
  readonly #id = crypto.randomUUID();
  readonly #runtimes = runtimes();
  #reached: Promise<Reached> | undefined;
  #runs = 0;
  /** The keys of all runs: an actor that was abandoned may have brought one back. */
  readonly #keys: string[] = [];

  get about(): string {
    return `${
      this.#runtimes.map((runtime) => runtime.name).join(" and ")
    } processes that share a Redis server`;
  }

  protected override async open(place: number): Promise<Remote> {
    await this.#reach();
    const module = moduleBeside("_machine_main", import.meta.url);
    return await new ProcessRemote(this.#runtimes[place % this.#runtimes.length], module).ready();
  }

  protected override async makeStorage(subject: Subject): Promise<Storage> {
    const { url, access } = await this.#reach();
    const { keysOfRun, lookAtKeys, prepareKeys } = await import("./_redis_medium.ts");
    const { mortal } = subject;
    const forActors: MachinesStorage = {
      url,
      prefix: `interlock-lab:${this.#id}:${++this.#runs}`,
      lease: mortal ? LEASE.mortal : LEASE.immortal,
      mortal,
    };
    const keys = keysOfRun(forActors, subject);
    await prepareKeys(access, forActors, subject);
    const { end, shared } = lookAtKeys(access, forActors, subject);
    return {
      forActors,
      end,
      shared,
      skew: SKEW,
      freesLocks: true,
      dispose: () => {
        this.#keys.push(...keys);
        void remove(access, keys);
      },
    };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    const reached = await this.#reached?.catch(() => undefined);
    if (reached === undefined) return;
    this.#reached = undefined;
    const { access, own } = reached;
    await remove(access, this.#keys.splice(0));
    await access.close();
    await own?.kill();
  }

  /** Loads the client only now: whoever stays nearer needs none. */
  async #reach(): Promise<Reached> {
    return await (this.#reached ??= (async () => {
      const url = given();
      const own = url === undefined ? await RedisServer.start() : undefined;
      const { RedisAccess } = await import("./_redis_medium.ts");
      try {
        const access = await RedisAccess.open(url ?? own!.url);
        return { url: url ?? own!.url, access, own };
      } catch (error) {
        await own?.kill();
        throw new WorldError(`Cannot run anything between machines: ${(error as Error).message}`);
      }
    })());
  }
}
