/** The path of a folder that something keeps its files in, and what to say when it cannot be that. */
import type { Files } from "./_host.ts";
import { show } from "./_options.ts";

/**
 * The absolute path of a folder, existing or not, without symbolic links as far as it exists; so that
 * a later change of the working folder does not move it.
 *
 * @throws {TypeError} when it cannot be the path of a folder
 */
export function checkFolder(files: Files, path: unknown, action: string): string {
  const refuse = (reason: string, cause?: unknown): never => {
    const name = path instanceof URL ? path.href : show(path);
    throw new TypeError(`Cannot ${action} in ${name}: ${reason}; it needs the path of a folder`, {
      cause,
    });
  };
  if (typeof path === "string") {
    if (path === "") return refuse("the path is empty");
    if (path.startsWith("file://")) return refuse("this is a URL in a string, pass a URL object");
  } else if (!(path instanceof URL)) {
    return refuse("it is neither a string nor a URL");
  } else if (path.protocol !== "file:") {
    return refuse(`a ${path.protocol} URL names no folder`);
  }
  let resolved: string;
  try {
    resolved = files.resolve(path);
  } catch (error) {
    return refuse("the URL names no folder here", error);
  }
  if (resolved.includes("\0")) return refuse("the path has a NUL character in it");
  const kind = files.kind(resolved);
  if (kind === undefined) return resolved;
  if (kind !== "folder") return refuse("it is no folder");
  return files.realPath(resolved);
}
