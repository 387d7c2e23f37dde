/**
 * What is on a simulated disk: files, folders and symbolic links, and the changes of names among
 * them.
 *
 * A folder has its names twice: as every process sees them, and as they are on the platter. Between
 * the two are the changes that are not synced, of which any may survive a power loss, so long as
 * those it builds on do: earlier ones of the same name, and earlier ones of the same file. So a
 * file's own changes survive in order and a rename survives whole or not at all, but of two changes
 * that have nothing in common the later may survive without the earlier, as on btrfs; file systems
 * with one journal keep the order, and no program should lean on it.
 */
import { type Bytes, FileData } from "./_file_data.ts";

/** How a file is locked. */
export type FlockMode = "shared" | "exclusive";

/** A file. */
export class FileNode {
  readonly kind = "file";
  readonly data: FileData;
  /** Who holds a flock on it: open file descriptions. */
  readonly locks: Map<object, FlockMode> = new Map();
  /** How many descriptors are open on it. */
  opened = 0;
  /** Whether it has a name. */
  named = true;

  constructor(
    readonly ino: number,
    readonly mode: number | undefined,
    zeros: Uint8Array,
    bytes?: Bytes,
  ) {
    this.data = new FileData(zeros, bytes);
  }
}

/** A folder. */
export class FolderNode {
  readonly kind = "folder";
  /** What every process sees. */
  readonly names: Map<string, Node> = new Map();
  /** What is on the platter. */
  readonly durable: Map<string, Node> = new Map();
  /** The latest change of each name. */
  readonly latest: Map<string, NameChange> = new Map();

  constructor(readonly ino: number, readonly mode: number | undefined) {}
}

/** A symbolic link. */
export class LinkNode {
  readonly kind = "link";
  constructor(readonly ino: number, readonly target: string) {}
}

/** Whatever a name can lead to. */
export type Node = FileNode | FolderNode | LinkNode;

/** A name and what it leads to. */
export interface Entry {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: Node | undefined;
}

/** A create, rename or remove that is not durable yet. */
export class NameChange {
  constructor(
    readonly entries: readonly Entry[],
    /** Whose names change. */
    readonly ino: number,
    /** The latest changes before it of the same names and inode. */
    public after: readonly NameChange[],
  ) {}
}

/** Puts entries in their places among `names`. */
export function place(
  entries: readonly Entry[],
  names: (folder: FolderNode) => Map<string, Node>,
): void {
  for (const { folder, name, node } of entries) {
    if (node === undefined) names(folder).delete(name);
    else names(folder).set(name, node);
  }
}
