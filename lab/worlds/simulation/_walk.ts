/** The way from a path to what it leads to, as the kernel goes it. */
import type { FolderNode, Node } from "./_nodes.ts";

/** Where a path leads. */
export interface Found {
  /** The folder the last name is in. */
  readonly folder: FolderNode;
  /** The last name; empty for the root. */
  readonly name: string;
  /** What it leads to; `undefined` when the folder has no such name. */
  readonly node: Node | undefined;
  /** The folders on the way, from the root to `folder`. */
  readonly above: readonly FolderNode[];
  /** The names on the way from the root, without symbolic links and detours. */
  readonly real: readonly string[];
}

const REASONS: Record<string, string> = {
  EBADF: "the file is closed",
  EEXIST: "something is there already",
  EINVAL: "it would be put inside itself",
  EISDIR: "it is a folder",
  ELOOP: "its links lead in a circle",
  ENOENT: "nothing is there",
  ENOTDIR: "what should be a folder is a file",
  ENOTEMPTY: "the folder in its place is not empty",
};

/** An error with the system's code. */
export function systemError(code: string, action: string, path: string): Error {
  return Object.assign(new Error(`Cannot ${action} ${path}: ${REASONS[code]} (${code})`), { code });
}

/** More links on one way than any kernel follows. */
const MOST_LINKS = 40;

const split = (path: string) => path.split("/").filter((name) => name !== "" && name !== ".");

/**
 * Goes the way of `path` from `root`.
 *
 * @throws {Error} with code ENOENT or ENOTDIR when the way breaks off before its last name, ELOOP
 *   when links lead in a circle
 */
export function walk(
  root: FolderNode,
  path: string,
  { action, follow }: { action: string; follow: boolean },
): Found {
  const above = [root];
  const names: string[] = [];
  const rest = split(path).reverse();
  let links = 0;
  for (;;) {
    const name = rest.pop();
    const folder = above[above.length - 1];
    if (name === undefined) {
      // The path has led to a folder by "..", or is the root.
      const parent = above[above.length - 2] ?? root;
      const way = above.length > 1 ? above.slice(0, -1) : above;
      return { folder: parent, name: names.at(-1) ?? "", node: folder, above: way, real: names };
    }
    if (name === "..") {
      if (above.length > 1) above.pop();
      names.pop();
      continue;
    }
    const node = folder.names.get(name);
    if (node?.kind === "link" && (follow || rest.length > 0)) {
      if (++links > MOST_LINKS) throw systemError("ELOOP", action, path);
      rest.push(...split(node.target).reverse());
      if (node.target.startsWith("/")) {
        above.length = 1;
        names.length = 0;
      }
      continue;
    }
    if (rest.length === 0) {
      names.push(name);
      return { folder, name, node, above, real: names };
    }
    if (node === undefined) throw systemError("ENOENT", action, path);
    if (node.kind !== "folder") throw systemError("ENOTDIR", action, path);
    above.push(node);
    names.push(name);
  }
}
