/**
 * Stands in for `jsr:@std/fs/unstable-mkdir` where only the npm registry answers.
 * Written against the documented behaviour; nothing is copied.
 */
import { mkdir as make } from "node:fs/promises";

/** How to make a folder. */
export interface MkdirOptions {
  /** Whether to make those above it too, and to accept one that is there. @default false */
  recursive?: boolean;
  /** Its permissions. @default 0o777 */
  mode?: number;
}

/** Makes a folder. */
export async function mkdir(path: string | URL, options: MkdirOptions = {}): Promise<void> {
  await make(path, options);
}
