/**
 * The Deno side of `Files`.
 *
 * flock is `Deno.FsFile.tryLockSync`, which never blocks; `lock()` would block a thread for each
 * waiter, survive `close()` and keep the process alive. On Windows the same call is LockFileEx:
 * it belongs to the handle as a flock does, so two handles exclude each other there too.
 */
import type { FileId, Files, OpenFile } from "./_host.ts";
import { builtin, foldersAndNames, ifThere, isFolder, systemPaths } from "./_host_node.ts";

interface Stat {
  readonly dev: number;
  readonly ino: number | null;
}

/**
 * `bigint` inodes come from Node's `stat`, which costs more and so is asked only where Deno's
 * number is not exact. Where there is no inode (Windows) the real path must do: hard links to one
 * file then count as several, which the lock itself, being the system's, still keeps apart, and
 * a file put in the place of another is not told from it.
 */
function identity(path: string, stat: Stat): FileId {
  const { dev, ino } = stat;
  if (ino === null) return { dev, ino: Deno.realPathSync(path) };
  if (Number.isSafeInteger(ino)) return stat as FileId;
  const exact = builtin<typeof import("node:fs")>("node:fs").statSync(path, { bigint: true });
  return { dev, ino: exact.ino };
}

class DenoFile implements OpenFile {
  readonly id: FileId;
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile, id: FileId) {
    this.#file = file;
    this.id = id;
  }

  read(buffer: Uint8Array, position: number): number {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < buffer.length) {
      const count = this.#file.readSync(buffer.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return filled;
  }

  write(buffer: Uint8Array, position: number): void {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    for (let done = 0; done < buffer.length;) done += this.#file.writeSync(buffer.subarray(done));
  }

  size(): number {
    return this.#file.statSync().size;
  }

  truncate(size: number): void {
    this.#file.truncateSync(size);
  }

  sync(): void {
    this.#file.syncSync();
  }

  tryLock(mode: "shared" | "exclusive"): boolean {
    return this.#file.tryLockSync(mode === "exclusive");
  }

  unlock(): void {
    this.#file.unlockSync();
  }

  close(): void {
    this.#file.close();
  }
}

/** Deno's file system. */
export function denoFiles(): Files {
  return {
    ...systemPaths(),
    ...foldersAndNames(),
    realPath: (path) => Deno.realPathSync(path),
    kind(path) {
      const stat = ifThere(() => Deno.statSync(path));
      if (stat === undefined) return undefined;
      return stat.isFile ? "file" : stat.isDirectory ? "folder" : "other";
    },
    // Node's `lstatSync` takes ten times as long here.
    isLink: (path) => ifThere(() => Deno.lstatSync(path))?.isSymlink ?? false,
    open(path, { create, exclusive = false, mode, readOnly = false }) {
      const how = { create: create && !exclusive, createNew: create && exclusive, mode };
      const file = Deno.openSync(path, { read: true, write: !readOnly, ...how });
      try {
        const stat = file.statSync();
        // Only to read, a folder can be opened too.
        if (stat.isDirectory) throw isFolder(path);
        return new DenoFile(file, identity(path, stat));
      } catch (error) {
        file.close();
        throw error;
      }
    },
    identify(path) {
      return ifThere(() => identity(path, Deno.statSync(path)));
    },
    makeFolder: (path, mode) => Deno.mkdirSync(path, { recursive: true, mode }),
    rename: (from, to) => Deno.renameSync(from, to),
  };
}
