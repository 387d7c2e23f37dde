/**
 * Where a table is: one folder in the base folder, with names in it that are always the same.
 *
 * ```text
 * base/NAME/table.csv         the rows, and the sequence number of the last write that was applied
 * base/NAME/table.csv.interlock-next    the next version, while it is written
 * base/NAME/lock              the table's lock, and its gate
 * base/NAME/queue/            the writes that are pending, one a file
 * base/NAME/queue/next        the next one, while it is written
 * base/NAME/queue/lock        the queue's lock, and its gate
 * ```
 *
 * What always holds: whatever a table is called, nothing outside its own folder is opened. For a
 * name that is more than the name of one folder is refused by `tableFiles`, and so is one of these
 * paths that is a symbolic link by `refuseLinks`. A table has a folder of its own, so that no name
 * is that of another table's file.
 */
import { GATE_SUFFIX } from "../_file_path.ts";
import { NEXT_SUFFIX } from "../_file_replace.ts";
import type { Files } from "../_host.ts";
import { show } from "../_options.ts";

/** The absolute paths of a table. */
export interface TableFiles {
  readonly name: string;
  readonly folder: string;
  readonly table: string;
  readonly lock: string;
  readonly queue: string;
  readonly queueNext: string;
  readonly queueLock: string;
}

/** What most file systems allow. */
const LONGEST_NAME = 255;

const ALLOWED = "a table's name is that of a folder in the base folder, at most 255 bytes long, " +
  "without / \\ : and control characters, and not . or ..";

/** Refuses what is no table's name, and answers where the table of that name is. */
export function tableFiles(files: Files, base: unknown, name: unknown, action: string): TableFiles {
  const root = checkBase(files, base, action);
  const refuse = (Class: typeof TypeError | typeof RangeError, what: string): never => {
    throw new Class(`Cannot ${action}: table ${show(name)} ${what}; ${ALLOWED}`);
  };
  if (typeof name !== "string") return refuse(TypeError, "is no string");
  if (name === "") return refuse(RangeError, "has no name");
  if (name === "." || name === "..") return refuse(RangeError, "is not inside the base folder");
  // deno-lint-ignore no-control-regex
  const wrong = /[/\\:\x00-\x1f\x7f]/.exec(name)?.[0];
  if (wrong !== undefined) return refuse(RangeError, `has ${JSON.stringify(wrong)} in its name`);
  if (!name.isWellFormed()) return refuse(RangeError, "has a lone surrogate in its name");
  if (new TextEncoder().encode(name).length > LONGEST_NAME) {
    return refuse(RangeError, "has too long a name");
  }
  const folder = files.resolve(`${root}/${name}`);
  const queue = `${folder}/queue`;
  return {
    name,
    folder,
    table: `${folder}/table.csv`,
    lock: `${folder}/lock`,
    queue,
    queueNext: `${queue}/next`,
    queueLock: `${queue}/lock`,
  };
}

function checkBase(files: Files, base: unknown, action: string): string {
  const refuse = (what: string): never => {
    const got = base instanceof URL ? base.href : show(base);
    throw new TypeError(`Cannot ${action}: the base folder ${got} ${what}`);
  };
  if (base instanceof URL) {
    if (base.protocol !== "file:") return refuse("is no file URL");
  } else if (typeof base !== "string") return refuse("is neither a string nor a URL");
  else if (base === "") return refuse("has no path");
  else if (base.startsWith("file://")) return refuse("is a URL in a string, pass a URL object");
  const path = files.resolve(base);
  return path.includes("\0") ? refuse("has a NUL character in its path") : path;
}

/**
 * Refuses a table one of whose paths is a symbolic link, whatever that leads to.
 *
 * Those who may write in the folder can put one there a moment later; but they can write to the
 * table without that.
 */
export function refuseLinks(files: Files, at: TableFiles, action: string): void {
  const { folder, table, lock, queue, queueNext, queueLock } = at;
  const gates = [lock + GATE_SUFFIX, queueLock + GATE_SUFFIX];
  const all = [folder, table, table + NEXT_SUFFIX, lock, queue, queueNext, queueLock, ...gates];
  for (const path of all) {
    if (files.isLink(path)) {
      throw new Error(`Cannot ${action}: ${path} is a symbolic link, which is not followed`);
    }
  }
}
