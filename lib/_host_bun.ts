/**
 * The Bun side of `Files`: everything by `node:fs`, but flock, which Bun has not, by a call into
 * the C library. It is the very call Deno makes, so processes of both exclude each other.
 */
import type { FileId, Files, OpenFile } from "./_host.ts";
import { builtin, foldersAndNames, ifThere, isFolder, systemPaths } from "./_host_node.ts";
import { UnsupportedError } from "./errors.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

const EINTR = 4;
/** What flock may fail with besides: a bad descriptor, a bad operation, no memory for locks. */
const FAILURES: Record<number, string> = { 9: "EBADF", 22: "EINVAL" };
/** Numbers on which the systems differ. */
const NUMBERS = {
  linux: { EWOULDBLOCK: 11, ENOLCK: 37 },
  darwin: { EWOULDBLOCK: 35, ENOLCK: 77 },
};

/** As much of `bun:ffi` as is used. */
interface Ffi {
  dlopen(name: string, symbols: Record<string, { args: string[]; returns: string }>): {
    symbols: Record<string, (...args: number[]) => number>;
  };
  read: { i32(pointer: number): number };
}

interface System {
  flock(fd: number, operation: number): number;
  errno(): number;
  numbers: { EWOULDBLOCK: number; ENOLCK: number };
}

function findSystem(): System {
  const { arch, platform } = builtin<typeof import("node:process")>("node:process");
  const mac = platform === "darwin";
  const cpu = arch === "arm64" ? "aarch64" : "x86_64";
  const names = mac
    ? ["libSystem.B.dylib"]
    : ["libc.so.6", `libc.musl-${cpu}.so.1`, `/lib/ld-musl-${cpu}.so.1`];
  const locate = mac ? "__error" : "__errno_location";
  const ffi = builtin<Ffi>("bun:ffi");
  let cause: unknown;
  for (const name of names) {
    try {
      const { symbols } = ffi.dlopen(name, {
        flock: { args: ["i32", "i32"], returns: "i32" },
        [locate]: { args: [], returns: "ptr" },
      });
      const flock = symbols.flock as System["flock"];
      const where = symbols[locate];
      // Asked where it is at each failure: a worker's thread has an errno of its own.
      const errno = () => ffi.read.i32(where());
      return { flock, errno, numbers: mac ? NUMBERS.darwin : NUMBERS.linux };
    } catch (error) {
      cause = error;
    }
  }
  throw new UnsupportedError(
    `Cannot lock files: no C library with flock was found (tried ${names.join(", ")})`,
    { cause },
  );
}

class BunFile implements OpenFile {
  readonly id: FileId;
  readonly #fs: typeof import("node:fs");
  readonly #system: System;
  #fd: number;

  constructor(fs: typeof import("node:fs"), system: System, fd: number, id: FileId) {
    this.#fs = fs;
    this.#system = system;
    this.#fd = fd;
    this.id = id;
  }

  read(buffer: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < buffer.length) {
      const rest = buffer.length - filled;
      const count = this.#fs.readSync(this.#fd, buffer, filled, rest, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  write(buffer: Uint8Array, position: number): void {
    for (let done = 0; done < buffer.length;) {
      const rest = buffer.length - done;
      done += this.#fs.writeSync(this.#fd, buffer, done, rest, position + done);
    }
  }

  size(): number {
    return this.#fs.fstatSync(this.#fd).size;
  }

  truncate(size: number): void {
    this.#fs.ftruncateSync(this.#fd, size);
  }

  sync(): void {
    this.#fs.fsyncSync(this.#fd);
  }

  tryLock(mode: "shared" | "exclusive"): boolean {
    return this.#flock((mode === "exclusive" ? LOCK_EX : LOCK_SH) | LOCK_NB);
  }

  unlock(): void {
    this.#flock(LOCK_UN);
  }

  close(): void {
    const fd = this.#fd;
    // The number may soon name another file, which a second close must not hit.
    this.#fd = -1;
    if (fd !== -1) this.#fs.closeSync(fd);
  }

  /**
   * errno is read by a call of its own, before which the runtime may have made one that failed.
   * flock fails only in the few ways listed, so any other number was left by someone else, and
   * the question is put again.
   */
  #flock(operation: number): boolean {
    const { flock, errno, numbers } = this.#system;
    for (let attempt = 0;; attempt++) {
      if (flock(this.#fd, operation) === 0) return true;
      const code = errno();
      if (code === numbers.EWOULDBLOCK) return false;
      const name = code === numbers.ENOLCK ? "ENOLCK" : FAILURES[code];
      if (code !== EINTR && (name !== undefined || attempt === 100)) {
        const error = new Error(`flock failed with errno ${code}${name ? ` (${name})` : ""}`);
        throw Object.assign(error, { code: name });
      }
    }
  }
}

/** Bun's file system, on Linux and macOS. */
export function bunFiles(): Files {
  const fs = builtin<typeof import("node:fs")>("node:fs");
  const system = findSystem();
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;

  /** Asks again for a `bigint` where a number would not be exact. */
  const identity = (ask: (bigint: boolean) => FileId): FileId => {
    const stat = ask(false);
    if (Number.isSafeInteger(stat.ino)) return stat;
    return { dev: stat.dev, ino: ask(true).ino };
  };
  const fileStat = (fd: number) => (bigint: boolean) =>
    fs.fstatSync(fd, { bigint }) as unknown as FileId;

  return {
    ...systemPaths(),
    ...foldersAndNames(),
    realPath: (path) => fs.realpathSync.native(path),
    kind(path) {
      const stat = ifThere(() => fs.statSync(path));
      if (stat === undefined) return undefined;
      return stat.isFile() ? "file" : stat.isDirectory() ? "folder" : "other";
    },
    isLink: (path) => ifThere(() => fs.lstatSync(path))?.isSymbolicLink() ?? false,
    open(path, { create, exclusive = false, mode, readOnly = false }) {
      const creating = exclusive ? O_CREAT | O_EXCL : O_CREAT;
      const how = readOnly ? O_RDONLY : O_RDWR;
      const fd = fs.openSync(path, create ? how | creating : how, mode);
      try {
        // Only to read, a folder can be opened too.
        if (readOnly && fs.fstatSync(fd).isDirectory()) throw isFolder(path);
        return new BunFile(fs, system, fd, identity(fileStat(fd)));
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
    },
    identify(path) {
      return ifThere(() =>
        identity((bigint) => fs.statSync(path, { bigint }) as unknown as FileId)
      );
    },
    makeFolder: (path, mode) => void fs.mkdirSync(path, { recursive: true, mode }),
    rename: (from, to) => fs.renameSync(from, to),
  };
}
