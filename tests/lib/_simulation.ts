/**
 * Several processes, a clock and a disk in one isolate, as far as `FileLock` needs them: virtual
 * time, files with inodes and flock, folders and symbolic links, and processes that can be killed.
 * flock converts as the kernel does: a failed conversion drops what was held.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { FileId, Files, Host, OpenFile, Timer } from "../../lib/_host.ts";

type Mode = "shared" | "exclusive";

class Inode {
  readonly id: FileId;
  readonly locks = new Map<Descriptor, Mode>();
  constructor(ino: number, readonly mode: number | undefined) {
    this.id = { dev: 1, ino };
  }
}

class Descriptor implements OpenFile {
  #closed = false;

  constructor(readonly process: Process, readonly inode: Inode) {
    process.descriptors.add(this);
  }

  get id(): FileId {
    return this.inode.id;
  }

  tryLock(mode: Mode): boolean {
    assert(!this.#closed, "flock on a closed descriptor");
    const { locks } = this.inode;
    locks.delete(this);
    const others = [...locks.values()];
    const free = mode === "shared" ? !others.includes("exclusive") : others.length === 0;
    if (free) locks.set(this, mode);
    this.process.simulation.flocks++;
    return free;
  }

  unlock(): void {
    assert(!this.#closed, "flock on a closed descriptor");
    this.inode.locks.delete(this);
  }

  close(): void {
    assert(!this.#closed, "closed twice");
    this.#closed = true;
    this.inode.locks.delete(this);
    this.process.descriptors.delete(this);
  }

  read(): number {
    return 0;
  }
  write(): void {}
  size(): number {
    return 0;
  }
  truncate(): void {}
  sync(): void {}
}

interface PlannedCall {
  readonly at: number;
  readonly order: number;
  readonly process: Process;
  readonly callback: () => void;
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** One process: a host of its own, with its timers and descriptors. */
export class Process implements Host {
  readonly descriptors = new Set<Descriptor>();
  readonly files: Files;

  constructor(readonly simulation: Simulation) {
    const { disk, folders, links } = simulation;
    const real = (path: string): string => {
      const target = links.get(path);
      return target === undefined ? path : real(target);
    };
    const folderOf = (path: string) => path.slice(0, Math.max(1, path.lastIndexOf("/")));
    this.files = {
      resolve: (path) => (typeof path === "string" ? path : path.pathname),
      folderOf,
      realPath(path) {
        if (!disk.has(real(path))) throw failure("ENOENT");
        return real(path);
      },
      kind: (path) =>
        folders.has(real(path)) ? "folder" : disk.has(real(path)) ? "file" : undefined,
      open: (path, { create, mode }) => {
        const target = real(path);
        if (simulation.refused.has(target)) throw failure(simulation.refused.get(target)!);
        if (folders.has(target)) throw failure("EISDIR");
        if (!folders.has(folderOf(target))) throw failure("ENOENT");
        let inode = disk.get(target);
        if (inode === undefined) {
          if (!create) throw failure("ENOENT");
          inode = simulation.createFile(target, mode);
        }
        return new Descriptor(this, inode);
      },
      identify: (path) => disk.get(real(path))?.id,
      makeFolder(path) {
        for (let folder = path; !folders.has(folder); folder = folderOf(folder)) {
          folders.add(folder);
        }
      },
      rename(from, to) {
        disk.set(to, disk.get(from)!);
        disk.delete(from);
      },
      readFile: (path) => disk.has(real(path)) ? new Uint8Array() : undefined,
      list: (path) => [...disk.keys()].filter((name) => folderOf(name) === path).sort(),
      remove: (path) => void disk.delete(path),
      syncFolder() {},
    };
  }

  now = (): number => this.simulation.now;
  random = (): number => this.simulation.random();
  setTimer = (callback: () => void, ms: number): Timer => {
    // A host's timers come no sooner than a millisecond from now.
    const at = this.simulation.now + Math.max(1, ms);
    const call: PlannedCall = { at, order: this.simulation.ticks++, process: this, callback };
    this.simulation.calls.add(call);
    return call;
  };
  clearTimer = (timer: Timer): void => {
    this.simulation.calls.delete(timer as PlannedCall);
  };

  /** Ends this process as SIGKILL does: its descriptors are closed, its timers never come. */
  kill(): void {
    for (const descriptor of this.descriptors) descriptor.close();
    for (const call of this.simulation.calls) {
      if (call.process === this) this.simulation.calls.delete(call);
    }
  }

  /** How many timers this process has set. */
  get timers(): number {
    return [...this.simulation.calls].filter((call) => call.process === this).length;
  }

  /** Resolves `ms` virtual milliseconds from now. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(resolve, ms));
  }
}

/** The world the processes share. */
export class Simulation {
  now = 0;
  ticks = 0;
  /** How often flock was asked for. */
  flocks = 0;
  readonly calls = new Set<PlannedCall>();
  readonly disk = new Map<string, Inode>();
  readonly folders = new Set<string>(["/"]);
  readonly links = new Map<string, string>();
  /** Paths that cannot be opened, and the code of the error. */
  readonly refused = new Map<string, string>();
  #inodes = 0;
  #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  process(): Process {
    return new Process(this);
  }

  createFile(path: string, mode?: number): Inode {
    const inode = new Inode(++this.#inodes, mode);
    this.disk.set(path, inode);
    return inode;
  }

  /** mulberry32: small, and the same on every runtime. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Lets everything run that needs no time. */
  async settle(): Promise<void> {
    await setImmediate();
  }

  /** Lets time pass until nothing is planned before `until`. */
  async run(until = Infinity): Promise<void> {
    await this.settle();
    for (;;) {
      let next: PlannedCall | undefined;
      for (const call of this.calls) {
        if (
          next === undefined || call.at < next.at || call.at === next.at && call.order < next.order
        ) {
          next = call;
        }
      }
      if (next === undefined || next.at > until) break;
      this.calls.delete(next);
      this.now = Math.max(this.now, next.at);
      next.callback();
      await this.settle();
    }
    if (until !== Infinity) this.now = Math.max(this.now, until);
  }

  /** Runs until `promise` settles, and answers as it does. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const mark = () => void (done = true);
    promise.then(mark, mark);
    await this.settle();
    while (!done && this.calls.size > 0) await this.run(this.#nextAt());
    assert(done, "it waits though nothing is planned");
    return promise;
  }

  /** Which locks are held on a path's file now. */
  locks(path: string): Mode[] {
    return [...(this.disk.get(path)?.locks.values() ?? [])];
  }

  #nextAt(): number {
    return Math.min(...[...this.calls].map((call) => call.at));
  }
}
