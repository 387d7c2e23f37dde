/**
 * Replacing a file so that whoever opens it, at whatever moment and after whatever crash, finds
 * all of the old bytes or all of the new ones; and new ones for good once `replaceFile` has
 * returned.
 *
 * - Whole: the new bytes are written to a file of another name, which nobody opens to read, and
 *   only `rename` puts that in its place. After a power loss the name may lead to either file, and
 *   to the new one only with its bytes, which were synced before.
 * - For good: the folder is synced afterwards.
 * - The folder's own name must last too. So before anything is put into a folder, the one above it
 *   is synced; hence, of folders made here, one that has something in it is in a folder that lasts.
 *   (Locks have their folders made here too, for what others put there may have to last.)
 *
 * The other name is always the same, and only the holder of one lock writes there: so what is found
 * there is what a writer left who has died, and is taken away. At most one such file is there.
 */
import type { Files, OpenFile } from "./_host.ts";
import { describeThrown } from "./_thrown.ts";

/** How the name of the file that is being written is made from the other's. */
export const NEXT_SUFFIX = ".interlock-next";

/** Folders made here are for their owner. */
const FOLDER_MODE = 0o700;

/** Whether a file may merely not be touched by us. */
function isRefusal(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return code === "EACCES" || code === "EPERM" || name === "NotCapable";
}

/** What `look` answers, or `otherwise` where it may not look. */
function ifAllowed<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return otherwise;
  }
}

/**
 * Makes a folder, with those above it, where it is missing, and its name durable. A folder above
 * that may not be looked at or opened is taken to be older than all this.
 */
export function makeLastingFolder(files: Files, folder: string): void {
  const above = files.folderOf(folder);
  if (above === folder) return;
  if (ifAllowed(() => files.kind(folder) === undefined, false)) {
    makeLastingFolder(files, above);
    files.makeFolder(folder, FOLDER_MODE);
  }
  ifAllowed(() => files.syncFolder(above), undefined);
}

/**
 * Puts `bytes` in the place of the file at `path`, if there is one; see the top of the file. To be
 * called by one at a time, in all processes: of those who write to files of one folder by way of one
 * `next`, too.
 *
 * When it throws, the file is the old one, unless it was the folder that could not be synced: then
 * it is the new one, which a power loss may take back.
 */
export function replaceFile(
  files: Files,
  path: string,
  bytes: Uint8Array,
  mode: number,
  next: string = path + NEXT_SUFFIX,
): void {
  try {
    const file = createAnew(files, next, mode);
    try {
      file.write(bytes, 0);
      file.sync();
    } finally {
      file.close();
    }
    files.rename(next, path);
  } catch (error) {
    removeQuietly(files, next);
    throw error;
  }
  try {
    files.syncFolder(files.folderOf(path));
  } catch (error) {
    throw new Error(
      `what was written is there, but a power loss may take it back: ${describeThrown(error)}`,
      { cause: error },
    );
  }
}

/**
 * Creates a file where what is there, if anything, was left by one who has died. What is there may be
 * a link that somebody else has put there: it is taken away, and what it leads to is not touched.
 */
function createAnew(files: Files, path: string, mode: number): OpenFile {
  const options = { create: true, exclusive: true, mode };
  try {
    return files.open(path, options);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
  files.remove(path);
  return files.open(path, options);
}

/** Takes away what the next writer would take away too. */
function removeQuietly(files: Files, path: string): void {
  try {
    files.remove(path);
  } catch {
    // What was wrong before is what the caller should hear of.
  }
}
