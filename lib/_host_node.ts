/**
 * What the Deno and Bun sides of the host share: Node's own modules, taken at run time and only
 * when files are first used, so that no import of them stands in the way of loading the core in a
 * browser.
 */

interface Runtime {
  process: { getBuiltinModule(name: string): unknown };
}

/** One of the runtime's own modules. */
export function builtin<M>(name: string): M {
  return (globalThis as unknown as Runtime).process.getBuiltinModule(name) as M;
}

/** The parts of `Files` that compute with paths and read no file. */
export interface Paths {
  resolve(path: string | URL): string;
  folderOf(path: string): string;
}

/** Paths as the operating system writes them. */
export function systemPaths(): Paths {
  const { dirname, resolve } = builtin<typeof import("node:path")>("node:path");
  const { fileURLToPath } = builtin<typeof import("node:url")>("node:url");
  return {
    resolve: (path) => resolve(typeof path === "string" ? path : fileURLToPath(path)),
    folderOf: dirname,
  };
}

/** The parts of `Files` for which `node:fs` is alike on both. */
export interface FoldersAndNames {
  readFile(path: string): Uint8Array | undefined;
  list(path: string): string[];
  remove(path: string): void;
  syncFolder(path: string): void;
}

/** Whole files, folders and names, by `node:fs`. */
export function foldersAndNames(): FoldersAndNames {
  const fs = builtin<typeof import("node:fs")>("node:fs");
  const { platform } = builtin<typeof import("node:process")>("node:process");
  const { O_DIRECTORY, O_RDONLY } = fs.constants;
  return {
    readFile(path) {
      const bytes = ifThere(() => fs.readFileSync(path));
      // A Buffer's own `slice` shares memory, which is no way for a Uint8Array to behave.
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    },
    list: (path) => fs.readdirSync(path).sort(),
    remove(path) {
      // Deno's `unlinkSync` removes an empty folder too.
      if (fs.lstatSync(path).isDirectory()) {
        throw isFolder(path, "remove");
      }
      fs.unlinkSync(path);
    },
    syncFolder(path) {
      if (platform === "win32") return;
      const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY);
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}

/** Says that a file was expected, as the system does. */
export function isFolder(path: string, action = "open"): Error {
  return Object.assign(new Error(`Cannot ${action} ${path}: it is a folder`), { code: "EISDIR" });
}

/** Answers what `look` finds, or `undefined` when its path leads to nothing. */
export function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
