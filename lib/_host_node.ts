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
