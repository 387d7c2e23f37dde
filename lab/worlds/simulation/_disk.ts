/**
 * A disk in memory that knows what was synced.
 *
 * Processes see the newest of everything; the platter lags behind until someone syncs: a file's data
 * by the file's sync, its name by the folder's. `image` captures what is durable and what is not, and
 * `survivors` makes from it the disks that a power loss may leave (see there for the model).
 *
 * Numbers of inodes are used again as soon as a file has neither a name nor a descriptor, as ext4
 * does: who takes a number for an identity must keep the file open.
 */
import type { OpenOptions } from "../../../lib/_host.ts";
import type { Bytes } from "./_file_data.ts";
import {
  type Entry,
  FileNode,
  type FlockMode,
  FolderNode,
  LinkNode,
  NameChange,
  type Node,
  place,
} from "./_nodes.ts";
import { type Found, systemError, walk } from "./_walk.ts";

/** Something on a disk at rest. */
export type DiskEntry =
  | { readonly kind: "folder"; readonly ino: number; readonly mode?: number; names: DiskNames }
  | { readonly kind: "file"; readonly ino: number; readonly mode?: number; readonly bytes: Bytes }
  | { readonly kind: "link"; readonly ino: number; readonly target: string };

/** The names of a folder on a disk at rest. */
export type DiskNames = ReadonlyMap<string, DiskEntry>;

/** See above. */
export class SimulatedDisk {
  /** A block of zeros, for all files. */
  readonly #zeros: Uint8Array;
  readonly root: FolderNode = new FolderNode(1, undefined);
  /** The changes of names that are not durable, in the order they were made. */
  readonly #pending = new Set<NameChange>();
  /** The latest change of each inode's names. */
  readonly #latest = new Map<number, NameChange>();
  #inodes = 1;
  #free: number[] = [];

  /** A disk on which all of `names` is durable. */
  constructor(blockSize: number, names: DiskNames = new Map()) {
    if (!(Number.isInteger(blockSize) && blockSize > 0)) {
      throw new RangeError(`Cannot make a disk: its block size is ${blockSize}`);
    }
    this.#zeros = new Uint8Array(blockSize);
    this.#fill(this.root, names);
  }

  /** How many bytes survive or are lost together. */
  get blockSize(): number {
    return this.#zeros.length;
  }

  /** The changes of names that are not durable, in the order they were made. */
  get pending(): ReadonlySet<NameChange> {
    return this.#pending;
  }

  /** What a path leads to, and where that stands. */
  find(path: string, options: { action: string; follow: boolean }): Found {
    return walk(this.root, path, options);
  }

  /** The file at a path, which is created when it is missing and `create` says so. */
  open(
    path: string,
    { create, exclusive, mode }: OpenOptions,
  ): { file: FileNode; change: NameChange | undefined } {
    const anew = create && exclusive === true;
    const { folder, name, node } = this.find(path, { action: "open", follow: !anew });
    if (anew && node !== undefined) throw systemError("EEXIST", "open", path);
    if (node?.kind === "folder") throw systemError("EISDIR", "open", path);
    if (node?.kind === "file") return { file: node, change: undefined };
    if (!create) throw systemError("ENOENT", "open", path);
    const file = new FileNode(this.#takeNumber(), mode, this.#zeros);
    return { file, change: this.#change([{ folder, name, node: file }], file) };
  }

  /** Makes one folder; what is above it must be there. */
  makeFolder(path: string, mode?: number): NameChange {
    const { folder, name, node } = this.find(path, { action: "make folder", follow: false });
    if (node !== undefined) throw systemError("EEXIST", "make folder", path);
    const made = new FolderNode(this.#takeNumber(), mode);
    return this.#change([{ folder, name, node: made }], made);
  }

  /** Puts what is at `from` in the place of what is at `to`; nothing to do if that is the same. */
  rename(from: string, to: string): NameChange | undefined {
    const source = this.find(from, { action: "rename", follow: false });
    const target = this.find(to, { action: "rename", follow: false });
    const { node } = source;
    if (node === undefined) throw systemError("ENOENT", "rename", from);
    if (node.kind === "folder" && (target.above.includes(node) && target.node !== node)) {
      throw systemError("EINVAL", "rename", from);
    }
    if (target.node !== undefined) {
      if (target.node === node) return undefined;
      if (target.node.kind === "folder" && source.above.includes(target.node)) {
        throw systemError("ENOTEMPTY", "rename", from);
      }
      if (node.kind === "folder") {
        if (target.node.kind !== "folder") throw systemError("ENOTDIR", "rename", from);
        if (target.node.names.size > 0) throw systemError("ENOTEMPTY", "rename", from);
      } else if (target.node.kind === "folder") throw systemError("EISDIR", "rename", from);
    }
    const entries = [
      { folder: source.folder, name: source.name, node: undefined },
      { folder: target.folder, name: target.name, node },
    ];
    // A folder must not survive inside one that did not move out of it: both would be lost.
    const above = node.kind === "folder" ? target.above : [];
    const change = this.#change(entries, node, above);
    this.#unname(target.node);
    return change;
  }

  /** Takes a file's name away. */
  remove(path: string): NameChange {
    const { folder, name, node } = this.find(path, { action: "remove", follow: false });
    if (node === undefined) throw systemError("ENOENT", "remove", path);
    if (node.kind === "folder") throw systemError("EISDIR", "remove", path);
    const change = this.#change([{ folder, name, node: undefined }], node);
    this.#unname(node);
    return change;
  }

  /** Makes a symbolic link, durable at once: a test's preparation. */
  symlink(target: string, path: string): void {
    const { folder, name, node } = this.find(path, { action: "link", follow: false });
    if (node !== undefined) throw systemError("EEXIST", "link", path);
    const link = new LinkNode(this.#takeNumber(), target);
    this.#settle([this.#change([{ folder, name, node: link }], link)]);
  }

  /** Makes the names in a folder durable, and with them the changes theirs build on. */
  syncFolder(folder: FolderNode): void {
    this.#settle(
      [...this.#pending].filter(({ entries }) => entries.some((entry) => entry.folder === folder)),
    );
  }

  /** Makes everything durable. */
  sync(): void {
    this.#settle([...this.#pending]);
    const visit = (folder: FolderNode) => {
      for (const node of folder.names.values()) {
        if (node.kind === "folder") visit(node);
        else if (node.kind === "file") node.data.sync();
      }
    };
    visit(this.root);
  }

  /** How a path's file is locked now, one entry for each who holds a flock. */
  locks(path: string): FlockMode[] {
    const { node } = this.find(path, { action: "look at", follow: true });
    return node?.kind === "file" ? [...node.locks.values()] : [];
  }

  /** A descriptor of `file` was closed: the last one frees a file without a name. */
  closed(file: FileNode): void {
    file.opened--;
    this.#reclaim(file);
  }

  #change(
    entries: readonly Entry[],
    { ino }: Node,
    above: readonly FolderNode[] = [],
  ): NameChange {
    const after = new Set(
      [ino, ...above.map((folder) => folder.ino)].map((of) => this.#latest.get(of)),
    );
    for (const { folder, name } of entries) after.add(folder.latest.get(name));
    after.delete(undefined);
    const change = new NameChange(entries, ino, [...after] as NameChange[]);
    this.#pending.add(change);
    this.#latest.set(ino, change);
    for (const { folder, name } of entries) folder.latest.set(name, change);
    place(entries, ({ names }) => names);
    return change;
  }

  /** Makes changes durable, and those they build on. */
  #settle(wanted: readonly NameChange[]): void {
    const changes = new Set(wanted);
    // A set that grows while it is gone through.
    for (const { after } of changes) for (const earlier of after) changes.add(earlier);
    for (const change of this.#pending) {
      if (!changes.has(change)) continue;
      place(change.entries, ({ durable }) => durable);
      this.#pending.delete(change);
      // What is durable builds on nothing; so what came before it can be forgotten.
      change.after = [];
    }
  }

  #unname(node: Node | undefined): void {
    if (node === undefined) return;
    if (node.kind !== "file") this.#free.push(node.ino);
    else {
      node.named = false;
      this.#reclaim(node);
    }
  }

  #reclaim(file: FileNode): void {
    if (!file.named && file.opened === 0) this.#free.push(file.ino);
  }

  #takeNumber(): number {
    return this.#free.pop() ?? ++this.#inodes;
  }

  #fill(folder: FolderNode, names: DiskNames): void {
    for (const [name, entry] of names) {
      this.#inodes = Math.max(this.#inodes, entry.ino);
      const node = entry.kind === "folder"
        ? new FolderNode(entry.ino, entry.mode)
        : entry.kind === "file"
        ? new FileNode(entry.ino, entry.mode, this.#zeros, entry.bytes)
        : new LinkNode(entry.ino, entry.target);
      if (node.kind === "folder" && entry.kind === "folder") this.#fill(node, entry.names);
      folder.names.set(name, node);
      folder.durable.set(name, node);
    }
  }
}
