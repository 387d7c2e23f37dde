/**
 * Whether anybody holds the flock of a file, and which processes do, as far as the system tells.
 *
 * Linux lists all locks in `/proc/locks`, a line each, those of other pid namespaces left out:
 *
 * ```text
 * 3: FLOCK  ADVISORY  WRITE 24282 fe:00:2171284 0 EOF
 * 3: -> FLOCK  ADVISORY  READ 24290 fe:00:2171284 0 EOF     (waits in a blocking flock)
 * ```
 *
 * What always holds: an answer that nobody is inside was asked of the lock itself. The list alone
 * cannot say that, for it may leave a holder out: one in another container, or one on a file
 * system that has another device number there than `stat` tells (Btrfs, overlays).
 */
import { tryBriefly } from "./_file_gate.ts";
import { fileError } from "./_file_path.ts";
import type { FileId, Files } from "./_host.ts";
import type { LockMode } from "./lock.ts";

/** A process that holds a lock. */
export interface FileHolder {
  /** The number of the process. */
  readonly pid: number;
  /** How it holds the lock. */
  readonly mode: LockMode;
}

const TABLE = "/proc/locks";

const hex = (value: number): string => value.toString(16).padStart(2, "0");

/** The table; empty where there is none, or no right to read it. */
function readTable(files: Files): string {
  try {
    return new TextDecoder().decode(files.readFile(TABLE));
  } catch {
    return "";
  }
}

/** A file as the table names it. */
function nameOf({ dev, ino }: FileId): string {
  // How Linux packs both numbers of a device into one.
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

function listed(table: string, file: string): FileHolder[] {
  const holders: FileHolder[] = [];
  for (const line of table.split("\n")) {
    const [, kind, , mode, pid, name] = line.trim().split(/\s+/);
    if (kind !== "FLOCK" || name !== file) continue;
    holders.push({ pid: Number(pid), mode: mode === "WRITE" ? "write" : "read" });
  }
  return holders;
}

/**
 * Whether anybody holds the lock of the file a path leads to, which is asked of the lock itself.
 *
 * @throws {Error} when the file is there but cannot be used, naming it and why
 */
export function isHeld(files: Files, path: string): boolean {
  try {
    if (files.identify(path) === undefined) return false;
    // Not a descriptor that is shared: were a share held there, failing would drop it.
    const probe = files.open(path, { create: false });
    try {
      return !tryBriefly(probe, "write");
    } finally {
      probe.close();
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return false;
    throw fileError(path, path, error);
  }
}

/**
 * The holders of the file a path leads to.
 *
 * @throws {Error} when the file is there but cannot be used
 */
export function findHolders(files: Files, path: string): FileHolder[] | "unknown" {
  const id = files.identify(path);
  if (id === undefined) return [];
  const holders = listed(readTable(files), nameOf(id));
  if (holders.length > 0) return holders;
  return isHeld(files, path) ? "unknown" : [];
}
