/**
 * Stands in for `jsr:@std/fs/unstable-remove` where only the npm registry answers.
 * Written against the documented behaviour; nothing is copied.
 */
import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";

/** The options of the real function. */
export interface RemoveOptions {
  /** Remove a folder with all that is in it. @default false */
  recursive?: boolean;
}

/** Removes a file or a folder; throws when there is none. */
export function remove(path: string | URL, options: RemoveOptions = {}): Promise<void> {
  return rm(path, { recursive: options.recursive ?? false });
}

/** Removes a file or a folder at once; throws when there is none. */
export function removeSync(path: string | URL, options: RemoveOptions = {}): void {
  rmSync(path, { recursive: options.recursive ?? false });
}
