/**
 * Who is alive. Each store object that writes or takes snapshots has a *lease*: a file in the folder
 * `live`, named by an id that nobody else has, with a flock on it for as long as it lives. The
 * system frees that when the process dies, however it dies; so nothing here goes by time.
 *
 * - **Content** is named by the lease of whoever writes it and a count. What no manifest refers to is
 *   still being written if its lease is alive, and was left by somebody dead if not.
 * - **A pin** is an empty file beside the lease, whose name has an epoch after the id. While the lease is
 *   alive, content that version needs is kept.
 *
 * What always holds: a lease is made durable before anything is named by it, and is removed only when
 * nothing is left that was. So whatever somebody dead has left, his lease is there to tell of it.
 */
import { sameFile } from "../_file_gate.ts";
import type { Files, Host, OpenFile } from "../_host.ts";

const MODE = 0o600;
const LEASE = /^[0-9a-f]{16}$/;
const PIN = /^([0-9a-f]{16})\.(\d{1,16})$/;

/** The lease of one store object. */
export class Lease {
  readonly id: string;
  readonly #files: Files;
  readonly #folder: string;
  readonly #file: OpenFile;
  /** How many pins there are on each epoch. */
  readonly #pins = new Map<number, number>();
  #count = 0;

  private constructor(files: Files, folder: string, id: string, file: OpenFile) {
    this.#files = files;
    this.#folder = folder;
    this.id = id;
    this.#file = file;
  }

  /** Takes a lease in a folder that is there. */
  static take(host: Host, folder: string): Lease {
    const { files } = host;
    for (;;) {
      const id = makeId(host);
      const path = `${folder}/${id}`;
      const file = files.open(path, { create: true, exclusive: true, mode: MODE });
      try {
        // Before it was locked somebody may have taken it for a dead one's, and removed it.
        if (file.tryLock("exclusive") && sameFile(files.identify(path), file.id)) {
          files.syncFolder(folder);
          return new Lease(files, folder, id, file);
        }
      } catch (error) {
        // Without its lock it is a dead one's, and goes away as those do.
        file.close();
        throw error;
      }
      file.close();
    }
  }

  /** A name for content that nobody has used. */
  nextContent(): string {
    return `${this.id}-${(this.#count++).toString(36)}`;
  }

  /** Has everything kept that versions from `epoch` on need. */
  pin(epoch: number): void {
    const pins = this.#pins.get(epoch) ?? 0;
    if (pins === 0) {
      this.#files.open(this.#pathOf(epoch), { create: true, mode: MODE }).close();
    }
    this.#pins.set(epoch, pins + 1);
  }

  /** Takes one pin off. */
  unpin(epoch: number): void {
    const pins = this.#pins.get(epoch)! - 1;
    if (pins > 0) return void this.#pins.set(epoch, pins);
    this.#pins.delete(epoch);
    removeIfThere(this.#files, this.#pathOf(epoch));
  }

  /**
   * Ends it.
   *
   * @param clean Whether nothing is left that is named by it and that no manifest refers to; else
   *   others clean up, as if its owner had died.
   */
  end(clean: boolean): void {
    try {
      if (clean) removeIfThere(this.#files, `${this.#folder}/${this.id}`);
    } finally {
      this.#file.close();
    }
  }

  #pathOf(epoch: number): string {
    return `${this.#folder}/${this.id}.${epoch}`;
  }
}

/** Whose a name of content is. */
export function ownerOf(content: string): string {
  return content.slice(0, content.indexOf("-"));
}

/** The oldest epoch that somebody alive has pinned; `Infinity` if nobody has. */
export function oldestPin(files: Files, folder: string, own: Lease): number {
  let oldest = Infinity;
  const alive = new Map([[own.id, true]]);
  for (const name of files.list(folder)) {
    const [, id, epoch] = PIN.exec(name) ?? [];
    if (id === undefined || Number(epoch) >= oldest) continue;
    if (!alive.has(id)) {
      using dead = findDead(files, folder, id);
      alive.set(id, dead === undefined);
    }
    if (alive.get(id)) oldest = Number(epoch);
  }
  return oldest;
}

/** Those whose owners have died, each held so that nobody else cleans up after him too. */
export function deadLeases(files: Files, folder: string, own: Lease): DeadLease[] {
  const ids = new Set<string>();
  for (const name of files.list(folder)) {
    const id = LEASE.test(name) ? name : PIN.exec(name)?.[1];
    if (id !== undefined && id !== own.id) ids.add(id);
  }
  const all: DeadLease[] = [];
  try {
    for (const id of ids) {
      const dead = findDead(files, folder, id);
      if (dead !== undefined) all.push(dead);
    }
    return all;
  } catch (error) {
    // Held on, they would be taken for alive.
    for (const dead of all) dead[Symbol.dispose]();
    throw error;
  }
}

/** The lease of an id, if its owner does not hold it any more; held by us until it is disposed of. */
function findDead(files: Files, folder: string, id: string): DeadLease | undefined {
  let file: OpenFile | undefined;
  try {
    file = files.open(`${folder}/${id}`, { create: false });
    if (!file.tryLock("exclusive")) return void file.close();
  } catch (error) {
    file?.close();
    // It is gone. Pins of it that are still there, a power loss has brought back.
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
  }
  return new DeadLease(files, folder, id, file);
}

/** A lease whose owner has died. */
export class DeadLease implements Disposable {
  readonly id: string;
  readonly #files: Files;
  readonly #folder: string;
  readonly #file: OpenFile | undefined;

  constructor(files: Files, folder: string, id: string, file: OpenFile | undefined) {
    this.#files = files;
    this.#folder = folder;
    this.id = id;
    this.#file = file;
  }

  /** Removes it and its pins. */
  remove(): void {
    const pins = this.#files.list(this.#folder).filter((name) => name.startsWith(`${this.id}.`));
    // Its own file last: while that is there, somebody will come back for the rest.
    for (const name of [...pins, this.id]) removeIfThere(this.#files, `${this.#folder}/${name}`);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}

/** Removes a file that another may be removing too; answers whether it was there. */
export function removeIfThere(files: Files, path: string): boolean {
  try {
    files.remove(path);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    return false;
  }
}

/** 64 bits that nobody else has drawn. */
function makeId(host: Host): string {
  const part = () => Math.floor(host.random() * 2 ** 32).toString(16).padStart(8, "0");
  return part() + part();
}
