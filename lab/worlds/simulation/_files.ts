/** The files of a simulated process: `Files` on the disk of its machine, one I/O step a call. */
import type { FileId, Files, OpenFile } from "../../../lib/_host.ts";
import type { FileNode, FlockMode } from "./_nodes.ts";
import { systemError } from "./_walk.ts";
import type { SimulatedDisk } from "./_disk.ts";
import type { Machine } from "./_machine.ts";
import type { Held, Process } from "./_process.ts";
import type { TakenStep } from "./_step.ts";
import type { IoAction } from "./process.ts";

/** An open file description of a process. */
class Descriptor implements OpenFile, Held {
  readonly id: FileId;
  readonly #machine: Machine;
  readonly #process: Process;
  readonly #held: Set<Held>;
  /** The disk it was opened on: after a power loss the machine has another. */
  readonly #disk: SimulatedDisk;
  readonly #file: FileNode;
  readonly #path: string;
  readonly #readOnly: boolean;
  #closed = false;

  constructor(
    machine: Machine,
    process: Process,
    held: Set<Held>,
    file: FileNode,
    path: string,
    readOnly: boolean,
  ) {
    this.#machine = machine;
    this.#process = process;
    this.#held = held;
    this.#disk = machine.disk;
    this.#file = file;
    this.#path = path;
    this.#readOnly = readOnly;
    this.id = { dev: 1, ino: file.ino };
    file.opened++;
    held.add(this);
  }

  read(buffer: Uint8Array, position: number): number {
    this.#step("read", `from ${position}`);
    return this.#file.data.read(buffer, position);
  }

  write(buffer: Uint8Array, position: number): void {
    if (this.#readOnly && buffer.length > 0) throw this.#refuse("write", "EBADF");
    const { data } = this.#file;
    const blocks = data.blocksOf(buffer.length, position);
    const step = this.#step("write", `${buffer.length} bytes at ${position}`, buffer, blocks);
    step.effects = data.write(buffer, position, step.torn);
    if (step.torn === undefined) return;
    step.outcome = `cut off after ${step.torn} of ${blocks} blocks`;
    this.#process.kill();
    this.#process.assertRunning("write");
  }

  size(): number {
    this.#step("look at");
    return this.#file.data.size;
  }

  truncate(size: number): void {
    if (this.#readOnly) throw this.#refuse("truncate", "EINVAL");
    this.#step("truncate", `to ${size} bytes`).effects = this.#file.data.truncate(size);
  }

  sync(): void {
    this.#step("sync");
    this.#file.data.sync();
  }

  tryLock(mode: FlockMode): boolean {
    const step = this.#step("lock", mode);
    const { locks } = this.#file;
    // As the kernel converts: what was held is given up before the other mode is asked for.
    locks.delete(this);
    const others = [...locks.values()];
    const free = mode === "shared" ? !others.includes("exclusive") : others.length === 0;
    if (free) locks.set(this, mode);
    step.outcome = free ? "granted" : "refused";
    return free;
  }

  unlock(): void {
    this.#step("unlock");
    this.#file.locks.delete(this);
  }

  close(): void {
    this.#step("close");
    this.letGo();
  }

  letGo(): void {
    this.#closed = true;
    this.#file.locks.delete(this);
    this.#held.delete(this);
    this.#disk.closed(this.#file);
  }

  #refuse(action: IoAction, code: string): Error {
    this.#step(action);
    const message = `Cannot ${action} ${this.#path}: it was opened only to read (${code})`;
    return Object.assign(new Error(message), { code });
  }

  #step(action: IoAction, detail?: string, data?: Uint8Array, blocks?: number): TakenStep {
    if (this.#closed) {
      // What closed it may have been the end of its process, which is then the better reason.
      this.#process.assertRunning(action);
      throw systemError("EBADF", action, this.#path);
    }
    return this.#machine.step(this.#process, action, this.#path, detail, data, blocks);
  }
}

/** A path from the root without detours; the working folder of every process is the root. */
function resolve(path: string | URL): string {
  const names: string[] = [];
  const text = typeof path === "string" ? path : decodeURIComponent(path.pathname);
  for (const name of text.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));

/** The files of `process`, which keeps what it opens in `held`. */
export function simulatedFiles(
  machine: Machine,
  process: Process,
  held: Set<Held>,
): Files {
  const step = (action: IoAction, path: string, detail?: string) =>
    machine.step(process, action, path, detail);
  /** What a path leads to; `undefined` when to nothing. */
  const look = (path: string, follow = true) => {
    step("look at", path);
    try {
      return machine.disk.find(path, { action: "look at", follow });
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw error;
    }
  };
  const isFolder = (path: string) => {
    try {
      return look(path)?.node?.kind === "folder";
    } catch {
      return false; // links in a circle lead to no folder
    }
  };
  const findFolder = (action: IoAction, path: string) => {
    step(action, path);
    const { node } = machine.disk.find(path, { action, follow: true });
    if (node === undefined) throw systemError("ENOENT", action, path);
    if (node.kind !== "folder") throw systemError("ENOTDIR", action, path);
    return node;
  };

  return {
    resolve,
    folderOf,
    realPath(path) {
      step("look at", path);
      const { node, real } = machine.disk.find(path, { action: "look at", follow: true });
      if (node === undefined) throw systemError("ENOENT", "look at", path);
      return `/${real.join("/")}`;
    },
    kind(path) {
      const node = look(path)?.node;
      return node === undefined ? undefined : node.kind === "link" ? "other" : node.kind;
    },
    isLink: (path) => look(path, false)?.node?.kind === "link",
    open(path, options) {
      const taken = step("open", path, options.create ? "or create it" : "");
      const { file, change } = machine.disk.open(path, options);
      if (change !== undefined) {
        taken.effects = [change];
        taken.outcome = "created";
      }
      return new Descriptor(machine, process, held, file, path, options.readOnly ?? false);
    },
    identify(path) {
      const node = look(path)?.node;
      return node && { dev: 1, ino: node.ino };
    },
    readFile(path) {
      step("read", path);
      let node;
      try {
        node = machine.disk.find(path, { action: "read", follow: true }).node;
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === "ENOENT" || code === "ENOTDIR") return undefined;
        throw error;
      }
      if (node?.kind === "folder") throw systemError("EISDIR", "read", path);
      if (node?.kind !== "file") return undefined;
      const bytes = new Uint8Array(node.data.size);
      node.data.read(bytes, 0);
      return bytes;
    },
    list: (path) => [...findFolder("list", path).names.keys()].sort(),
    makeFolder(path, mode) {
      try {
        // One call of the system makes one folder, so each is a step of its own.
        step("make folder", path).effects = [machine.disk.makeFolder(path, mode)];
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === "EEXIST" && isFolder(path)) return;
        if (code !== "ENOENT" || path === "/") throw error;
        this.makeFolder(folderOf(path), mode);
        step("make folder", path).effects = [machine.disk.makeFolder(path, mode)];
      }
    },
    rename(from, to) {
      const taken = step("rename", from, `to ${to}`);
      const change = machine.disk.rename(from, to);
      if (change !== undefined) taken.effects = [change];
    },
    remove(path) {
      step("remove", path).effects = [machine.disk.remove(path)];
    },
    syncFolder: (path) => machine.disk.syncFolder(findFolder("sync folder", path)),
  };
}
