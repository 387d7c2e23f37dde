/**
 * Stands in for `jsr:@std/fs/unstable-write-text-file` where only the npm registry answers.
 * Written against the documented behaviour; nothing is copied.
 */
import { writeFile } from "node:fs/promises";

/** Writes a file of text, in the place of what is there. */
export async function writeTextFile(path: string | URL, data: string): Promise<void> {
  await writeFile(path, data);
}
