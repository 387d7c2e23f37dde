/**
 * Cells that are files.
 *
 * A plain cell is written in place, always with the same number of bytes. An atomic cell is replaced
 * by renaming, so a reader sees one whole value or the other. Files have no compare-and-set, so that
 * one operation takes a `FileLock` for as long as the comparing and the writing last.
 */
import { join } from "node:path";
import process from "node:process";
import { type Files, type Host, type OpenFile, systemHost, withHost } from "../../lib/_host.ts";
import { FileLock } from "../../lib/file_lock.ts";
import type { RawLock } from "./_lock_view.ts";
import type { RawCell } from "./_medium.ts";
import type { ObjectKind } from "./object_kind.ts";
import { sharedNow } from "./_protocol.ts";
import type { RemoteMedium } from "./_remote_actor.ts";
import type { EndState, SharedObjects, Subject } from "./scenario.ts";

/** A cell that is a file, read and written at once. */
interface FileCell {
  read(): number;
  write(value: number): void;
}

/** What is left on disk, as one process sees it. */
export interface DiskRemains {
  /** What the cells hold. */
  end(): EndState;
  /** Texts of files, and objects of kinds, each opened when it is first looked at. */
  shared(): SharedObjects;
  close(): Promise<void>;
}

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

function withFile<R>({ files }: Host, path: string, fn: (file: OpenFile) => R): R {
  const file = files.open(path, { create: true, mode: 0o600 });
  try {
    return fn(file);
  } finally {
    file.close();
  }
}

function filePath(folder: string, name: string): string {
  return join(folder, name);
}

/** Makes the shared objects of a run in a folder, which is created. */
export async function prepareDisk(
  host: Host,
  folder: string,
  { objects, kinds }: Subject,
): Promise<ProcessStorage> {
  host.files.makeFolder(folder);
  for (const object of objects) {
    const { name } = object;
    if (object.kind === "cell") {
      withFile(host, cellPath(folder, name), (file) => writeTo(file, object.initial));
    } else if (object.kind === "file" && object.initial !== undefined) {
      const text = encoder.encode(object.initial);
      withFile(host, filePath(folder, name), (file) => file.write(text, 0));
    }
  }
  const cells = objects.filter((object) => object.kind === "cell" && object.atomic);
  const storage = { folder, atomic: cells.map(({ name }) => name) };
  // Objects make what they need before the actors come, so that none of them is held up by it.
  const medium = new ProcessMedium(storage, host);
  for (const [name, kind] of kinds) medium.object(name, kind);
  await medium.close();
  return storage;
}

/** Looks at what is left of a run. */
export function lookAtDisk(
  host: Host,
  storage: ProcessStorage,
  { objects, kinds }: Subject,
): DiskRemains {
  const { folder } = storage;
  const medium = new ProcessMedium(storage, host);
  const shared: Record<string, unknown> = {};
  const lazily = (name: string, get: () => unknown) =>
    Object.defineProperty(shared, name, { get, enumerable: true });
  for (const { kind, name } of objects) {
    if (kind !== "file") continue;
    lazily(name, () => {
      const bytes = host.files.readFile(filePath(folder, name));
      return bytes && decoder.decode(bytes);
    });
  }
  for (const [name, kind] of kinds) lazily(name, () => medium.object(name, kind));
  return {
    end: () =>
      Object.fromEntries(
        objects.filter(({ kind }) => kind === "cell").map((
          { name },
        ) => [name, withFile(host, cellPath(folder, name), readFrom)]),
      ),
    shared: () => shared,
    close: () => medium.close(),
  };
}

/** An object of a kind as one process has it. */
export function openObject<T extends object, K extends keyof T>(
  host: Host,
  folder: string,
  name: string,
  { files }: ObjectKind<T, K>,
): T {
  if (files === undefined) throw new TypeError(`Cannot use ${name}: processes cannot share it`);
  const own = join(folder, `${name}.object`);
  host.files.makeFolder(own);
  return withHost(host, () => files(own));
}

/** Shared files as one process reaches them. */
export class ProcessMedium implements RemoteMedium {
  readonly #storage: ProcessStorage;
  readonly #open: OpenFile[] = [];
  readonly #locks = new Map<string, FileLock>();
  readonly #objects = new Map<string, object>();
  readonly #closing: (() => void | Promise<void>)[] = [];
  readonly #host: Host;

  constructor(storage: ProcessStorage, host: Host = systemHost) {
    this.#storage = storage;
    this.#host = host;
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

  get files(): { readonly of: Files; path(name: string): string } {
    const { folder } = this.#storage;
    return { of: this.#host.files, path: (name) => filePath(folder, name) };
  }

  lock(name: string): RawLock {
    return this.#lockOn(join(this.#storage.folder, `${name}.lock`), name);
  }

  /** Busy until the moment named, for a timer would wake each process at another one. */
  awaitStart(at: number): void {
    while (sharedNow() < at);
  }

  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T {
    let object = this.#objects.get(name) as T | undefined;
    if (object === undefined) {
      const made = object = openObject(this.#host, this.#storage.folder, name, kind);
      this.#objects.set(name, made);
      if (kind.close !== undefined) this.#closing.push(() => kind.close!(made));
    }
    return object;
  }

  async close(): Promise<void> {
    for (const file of this.#open.splice(0)) file.close();
    for (const close of this.#closing.splice(0)) await close();
  }

  #lockOn(path: string, label?: string): FileLock {
    let lock = this.#locks.get(path);
    if (lock === undefined) {
      lock = withHost(this.#host, () => new FileLock(path, { label }));
      this.#locks.set(path, lock);
    }
    return lock;
  }

  #inPlace(path: string): FileCell {
    const file = this.#host.files.open(path, { create: false });
    this.#open.push(file);
    return { read: () => readFrom(file), write: (value) => writeTo(file, value) };
  }

  #renamed(path: string): FileCell {
    const aside = `${path}.${process.pid}`;
    return {
      read: () => withFile(this.#host, path, readFrom),
      write: (value) => {
        withFile(this.#host, aside, (file) => writeTo(file, value));
        this.#host.files.rename(aside, path);
      },
    };
  }
}
