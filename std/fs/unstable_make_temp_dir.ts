/**
 * Stands in for `jsr:@std/fs/unstable-make-temp-dir` where only the npm registry answers.
 * Written against the documented behaviour; nothing is copied.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The options used here of those the real function takes. */
export interface MakeTempOptions {
  /** Where to make the folder. @default the system's folder for temporary files */
  dir?: string;
  /** What the name begins with. @default "" */
  prefix?: string;
}

/** Makes a new folder with a name of its own and answers its path. */
export function makeTempDir(options: MakeTempOptions = {}): Promise<string> {
  return mkdtemp(join(options.dir ?? tmpdir(), options.prefix ?? ""));
}
