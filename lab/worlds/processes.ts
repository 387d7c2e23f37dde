/**
 * The distance of processes: each actor is an operating-system process, Deno and Bun in turn, the
 * cells are files, the lock is `FileLock`.
 */
import { join } from "node:path";
import { makeTempDir } from "@std/fs/unstable-make-temp-dir";
import { remove, removeSync } from "@std/fs/unstable-remove";
import process from "node:process";
import { systemHost } from "../../lib/_host.ts";
import { moduleBeside } from "../../lib/_module_urls.ts";
import { lookAtDisk, prepareDisk } from "./_process_medium.ts";
import { ProcessRemote } from "./_process_remote.ts";
import { RemoteDistance } from "./_remote_distance.ts";
import type { Remote, Storage } from "./_remote.ts";
import type {} from "./_process_main.ts";
import { type Runtime, runtimes } from "./_runtimes.ts";
import type { Subject } from "./scenario.ts";

/** By how much the clocks of two processes may differ, in ms: they begin at different times. */
const SKEW = 1;

/** Processes of every runtime this machine has. */
export class ProcessesDistance extends RemoteDistance {
  readonly name = "processes";
  readonly #runtimes: readonly Runtime[];
  #folder: string | undefined;
  #runs = 0;

  /** @param among The runtimes that actors are given in turn. */
  constructor(among: readonly Runtime[] = runtimes()) {
    super();
    this.#runtimes = among;
  }

  get about(): string {
    return `${
      this.#runtimes.map((runtime) => runtime.name).join(" and ")
    } processes that share files`;
  }

  protected override async open(place: number): Promise<Remote> {
    if (this.#folder === undefined) {
      this.#folder = await makeTempDir({ prefix: "interlock-" });
      process.once("exit", this.#leave);
    }
    const module = moduleBeside("_process_main", import.meta.url);
    return await new ProcessRemote(this.#runtimes[place % this.#runtimes.length], module).ready();
  }

  protected override async makeStorage(subject: Subject): Promise<Storage> {
    const folder = join(this.#folder!, String(++this.#runs));
    const forActors = await prepareDisk(systemHost, folder, subject);
    const left = lookAtDisk(systemHost, forActors, subject);
    return {
      forActors,
      end: () => left.end(),
      shared: () => left.shared(),
      skew: SKEW,
      freesLocks: true,
      dispose: () => void left.close(),
    };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    process.off("exit", this.#leave);
    if (this.#folder !== undefined) await remove(this.#folder, { recursive: true });
    this.#folder = undefined;
  }

  /** The program ends without having closed the distance, by ^C say: its folder goes all the same. */
  readonly #leave = (): void => {
    if (this.#folder !== undefined) removeSync(this.#folder, { recursive: true });
  };
}
