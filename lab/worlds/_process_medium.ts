/**
 * Cells that are files.
 *
 * A plain cell is written in place, always with the same number of bytes. An atomic cell is replaced
 * by renaming, so a reader sees one whole value or the other. Files have no compare-and-set, so that
 * one operation takes a `FileLock` for as long as the comparing and the writing last.
 */
import { join } from "node:path";
import process from "node:process";
import { type OpenFile, systemHost } from "../../lib/_host.ts";
import { FileLock } from "../../lib/file_lock.ts";
import type { ReadWriteLock } from "../../lib/lock.ts";
import type { RawCell } from "./_medium.ts";
import { sharedNow } from "./_protocol.ts";
import type { RemoteMedium } from "./_remote_actor.ts";

/** Where the shared objects of one run are on disk. */
export interface ProcessStorage {
  readonly folder: string;
  /** The names of the cells that are replaced by renaming. */
  readonly atomic: readonly string[];
}

/** Bytes of a cell's file: a sign, up to ten digits, and the rest blanks. */
const WIDTH = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function cellPath(folder: string, name: string): string {
  return join(folder, `${name}.cell`);
}

function readFrom(file: OpenFile): number {
  const bytes = new Uint8Array(WIDTH);
  return Number(decoder.decode(bytes.subarray(0, file.read(bytes, 0))));
}

function writeTo(file: OpenFile, value: number): void {
  file.write(encoder.encode(String(value).padEnd(WIDTH)), 0);
}

function withFile<R>(path: string, fn: (file: OpenFile) => R): R {
  const file = systemHost.files.open(path, { create: true, mode: 0o600 });
  try {
    return fn(file);
  } finally {
    file.close();
  }
}

/** Creates a cell's file. */
export function createCell(folder: string, name: string, value: number): void {
  withFile(cellPath(folder, name), (file) => writeTo(file, value));
}

/** What a cell's file holds. */
export function readCell(folder: string, name: string): number {
  return withFile(cellPath(folder, name), readFrom);
}

/** Shared files as one process reaches them. */
export class ProcessMedium implements RemoteMedium {
  readonly #storage: ProcessStorage;
  readonly #open: OpenFile[] = [];
  readonly #locks = new Map<string, FileLock>();

  constructor(storage: ProcessStorage) {
    this.#storage = storage;
  }

  cell(name: string): RawCell {
    const { folder, atomic } = this.#storage;
    const path = cellPath(folder, name);
    const cell = atomic.includes(name) ? this.#renamed(path) : this.#inPlace(path);
    return {
      ...cell,
      compareAndSet: (expected, next) =>
        this.#lockOn(`${path}.guard`).withWrite(() => {
          if (cell.read() !== expected) return false;
          cell.write(next);
          return true;
        }),
    };
  }

  lock(name: string): ReadWriteLock {
    return this.#lockOn(join(this.#storage.folder, `${name}.lock`), name);
  }

  /** Busy until the moment named, for a timer would wake each process at another one. */
  awaitStart(at: number): void {
    while (sharedNow() < at);
  }

  close(): void {
    for (const file of this.#open.splice(0)) file.close();
  }

  #lockOn(path: string, label?: string): FileLock {
    let lock = this.#locks.get(path);
    if (lock === undefined) this.#locks.set(path, lock = new FileLock(path, { label }));
    return lock;
  }

  #inPlace(path: string): Pick<RawCell, "read" | "write"> {
    const file = systemHost.files.open(path, { create: false });
    this.#open.push(file);
    return { read: () => readFrom(file), write: (value) => writeTo(file, value) };
  }

  #renamed(path: string): Pick<RawCell, "read" | "write"> {
    const aside = `${path}.${process.pid}`;
    return {
      read: () => withFile(path, readFrom),
      write: (value) => {
        withFile(aside, (file) => writeTo(file, value));
        systemHost.files.rename(aside, path);
      },
    };
  }
}
