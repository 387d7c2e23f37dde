/**
 * The path a lock is given, and what to say when it cannot be used: which path, what is wrong with
 * it, and what is allowed.
 */
import type { Files } from "./_host.ts";
import { show } from "./_options.ts";
import { describeThrown } from "./_thrown.ts";

/** How a gate's name is made from its lock file's; see `_file_gate.ts`. */
export const GATE_SUFFIX = ".interlock-gate";

/** Owners only: whoever can open a lock file can hold the lock for ever. */
export const LOCK_FILE_MODE = 0o600;

const ALLOWED = "a lock needs the path of a file, existing or not";

/**
 * The absolute path of a lock file, so that a later change of the working folder does not move it.
 *
 * @throws {TypeError} when it cannot be the path of a file
 */
export function checkPath(files: Files, path: unknown): string {
  const refuse = (reason: string, cause?: unknown): never => {
    const name = path instanceof URL ? path.href : show(path);
    throw new TypeError(`Cannot lock ${name}: ${reason}; ${ALLOWED}`, { cause });
  };
  if (typeof path === "string") {
    if (path === "") return refuse("the path is empty");
    if (path.startsWith("file://")) return refuse("this is a URL in a string, pass a URL object");
  } else if (!(path instanceof URL)) {
    return refuse("it is neither a string nor a URL");
  } else if (path.protocol !== "file:") {
    return refuse(`a ${path.protocol} URL names no file`);
  }
  const named = path instanceof URL ? path.pathname : path;
  if (named.endsWith("/")) return refuse("the path ends as a folder's does");
  let resolved: string;
  try {
    resolved = files.resolve(path);
  } catch (error) {
    return refuse("the URL names no file here", error);
  }
  if (resolved.includes("\0")) return refuse("the path has a NUL character in it");
  if (resolved.endsWith(GATE_SUFFIX)) return refuse("the name is that of another lock's gate");
  let kind: ReturnType<Files["kind"]>;
  try {
    kind = files.kind(resolved);
  } catch (error) {
    throw fileError(resolved, resolved, error);
  }
  if (kind === "folder") return refuse("it is a folder");
  if (kind === "other") return refuse("it is no regular file");
  return resolved;
}

const REASONS: Record<string, string> = {
  EACCES: "there is no permission to write it",
  EISDIR: "it is a folder",
  EMFILE: "this process has too many files open",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "the system has too many files open",
  ENOSPC: "no space is left",
  ENOTDIR: "what should be its folder is a file",
  EPERM: "there is no permission to write it",
  EROFS: "its file system is read-only",
};

/** An error that names the lock and, where it is another, the file that could not be used. */
export function fileError(lock: string, file: string, error: unknown): Error {
  const { code } = Object(error) as { code?: string };
  const reason = REASONS[code ?? ""] ?? describeThrown(error);
  const what = file === lock ? reason : `${file} cannot be opened: ${reason}`;
  return new Error(`Cannot lock ${lock}: ${what}`, { cause: error });
}
