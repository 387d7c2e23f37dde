/**
 * The one door to the world outside: clock, timers, randomness and files.
 *
 * Nothing in `lib/` reaches them another way, so the lab can put a simulation in their place
 * (virtual time, an in-memory disk that crashes) and explore the library's real code. An object
 * takes the host that is current when it is constructed and keeps it; `withHost` makes another
 * current for the length of one synchronous call. So no public option speaks of hosts.
 */
import { UnsupportedError } from "./errors.ts";
import { denoFiles } from "./_host_deno.ts";
import { bunFiles } from "./_host_bun.ts";

/** What a host's timer is known by. */
export type Timer = unknown;

/**
 * Which file it is, whatever paths lead to it. Compare both with `===`.
 *
 * An inode beyond 2^53 is a `bigint`, for rounding would make one file of two (overlay file
 * systems set high bits); where the system tells no inode it is the file's real path.
 */
export interface FileId {
  /** The device it is on. */
  readonly dev: number;
  /** Its number there. */
  readonly ino: number | bigint | string;
}

/** An open file. One flock belongs to it, whoever in the process uses it. */
export interface OpenFile {
  /** Which file this is. */
  readonly id: FileId;
  /** Fills `buffer` from `position` on; answers how many bytes there were. */
  read(buffer: Uint8Array, position: number): number;
  /** Writes all of `buffer` at `position`; what lies between the end and there becomes zeros. */
  write(buffer: Uint8Array, position: number): void;
  /** How many bytes the file has now. */
  size(): number;
  /** Cuts the file off at `size` bytes, or fills it up to there with zeros. */
  truncate(size: number): void;
  /**
   * Waits until what was written would survive a power loss. The file's name may still not: that
   * takes `syncFolder` of its folder.
   */
  sync(): void;
  /**
   * flock(2) without blocking; answers whether it was granted. Asking for the other mode while
   * holding one converts, and a failed conversion **drops** what was held, as the kernel does.
   */
  tryLock(mode: "shared" | "exclusive"): boolean;
  /** Gives the flock back. */
  unlock(): void;
  /** Closes the file, giving the flock back too. */
  close(): void;
}

/** How to open a file. */
export interface OpenOptions {
  /** Whether the file, but not its folder, is created when it is missing. */
  readonly create: boolean;
  /**
   * With `create`: whether it fails with code EEXIST when there is anything, so that of several that
   * create one file at once, one does.
   *
   * @default false
   */
  readonly exclusive?: boolean;
  /** Its permissions then. */
  readonly mode?: number;
  /**
   * Whether it is only read, which needs no right to write. Not with `create`.
   *
   * @default false
   */
  readonly readOnly?: boolean;
}

/** The file system. What fails throws an error with the system's `code` where it tells one. */
export interface Files {
  /** The absolute path of `path`, seen from the working folder of now; reads no file. */
  resolve(path: string | URL): string;
  /** The folder a path is in; reads no file. */
  folderOf(path: string): string;
  /** The path without symbolic links; throws when it leads to nothing. */
  realPath(path: string): string;
  /** What a path leads to now; `undefined` when to nothing. */
  kind(path: string): "file" | "folder" | "other" | undefined;
  /** Whether a path's last name is a symbolic link, whatever that leads to. */
  isLink(path: string): boolean;
  /** Opens to read and write, or only to read. */
  open(path: string, options: OpenOptions): OpenFile;
  /** Which file a path leads to now; `undefined` when to nothing. */
  identify(path: string): FileId | undefined;
  /** All bytes of the file a path leads to; `undefined` when to nothing. Needs no right to write. */
  readFile(path: string): Uint8Array | undefined;
  /** The names in a folder, sorted by their code units. */
  list(path: string): string[];
  /** Creates a folder and those above it where they are missing, each with `mode`. */
  makeFolder(path: string, mode?: number): void;
  /** Puts the file at `from` in the place of what is at `to`, in one step. */
  rename(from: string, to: string): void;
  /** Takes a file's name away; who has it open keeps the file. */
  remove(path: string): void;
  /**
   * Waits until the names in a folder, as they are now, would survive a power loss: those that
   * were created, renamed and removed there. Does nothing on Windows, where a folder cannot be
   * opened.
   */
  syncFolder(path: string): void;
}

/** The world outside, as one value that can be replaced. */
export interface Host {
  /** Monotonic time in milliseconds. */
  now(): number;
  /** What `now()` counts from, in milliseconds since 1970. */
  readonly timeOrigin: number;
  /** Calls back once, `ms` milliseconds from now. Keeps the process alive until then. */
  setTimer(callback: () => void, ms: number): Timer;
  /** Forgets a timer. */
  clearTimer(timer: Timer): void;
  /** A number from 0 up to 1, not for secrets. */
  random(): number;
  /** The file system; throws `UnsupportedError` where flock cannot be had. */
  readonly files: Files;
}

/** Node's own modules without an import, so that the core loads in a browser too. */
interface BuiltinModules {
  process?: { getBuiltinModule?(name: string): unknown; platform?: string };
  Deno?: unknown;
  Bun?: unknown;
}

function detectFiles(): Files {
  const runtime = globalThis as BuiltinModules;
  if (runtime.Deno !== undefined) return denoFiles();
  if (runtime.Bun !== undefined && runtime.process?.platform !== "win32") return bunFiles();
  const here = runtime.Bun !== undefined
    ? "Bun on Windows"
    : runtime.process !== undefined
    ? "Node"
    : "this runtime";
  throw new UnsupportedError(
    `Cannot lock files: ${here} has no flock; use Deno, or Bun on Linux or macOS`,
  );
}

let detected: Files | undefined;

/** The runtime itself. */
export const systemHost: Host = {
  now: () => performance.now(),
  timeOrigin: performance.timeOrigin,
  setTimer: (callback, ms) => setTimeout(callback, ms),
  clearTimer: (timer) => clearTimeout(timer as number),
  random: Math.random,
  get files(): Files {
    return detected ??= detectFiles();
  },
};

let current: Host = systemHost;

/** The host that objects constructed now will keep. */
export function currentHost(): Host {
  return current;
}

/** Makes `host` current while `fn` runs; `fn` must construct what it needs before it returns. */
export function withHost<R>(host: Host, fn: () => R): R {
  const before = current;
  current = host;
  try {
    return fn();
  } finally {
    current = before;
  }
}
