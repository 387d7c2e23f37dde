/**
 * What a power loss may leave of a disk.
 *
 * The model, after what POSIX promises and what Pillai et al. found file systems to do ("All File
 * Systems Are Not Created Equal", OSDI 2014, the ALICE tool):
 *
 * - What was synced survives: a file's data by the file's sync, the names in a folder by the
 *   folder's. Syncing a file makes no name durable, its own neither.
 * - Data that was not synced survives block by block, each block in any version it had since its
 *   last sync, and the size likewise, independently of each other and of other files.
 * - Creates, renames and removes that were not synced survive each or not, a rename whole, as long
 *   as what they build on does: the earlier changes of the same name and of the same file.
 *
 * So a power loss is a row of independent choices, and a disk that may be left is known by them: an
 * *image* holds what can be chosen from, `survive` makes one disk by one row of choices, and
 * `survivors` goes through all rows, or samples them.
 */
import { Prng } from "../../engine/mod.ts";
import type { Bytes, FrozenData } from "./_file_data.ts";
import type { Frozen, History } from "./_history.ts";
import { FileNode, type FolderNode, NameChange, type Node, place } from "./_nodes.ts";
import type { DiskEntry, DiskNames, SimulatedDisk } from "./disk.ts";

/** A disk as it was at one moment, with all that was not durable then. */
export interface DiskImage {
  readonly blockSize: number;
  readonly root: FolderNode;
  readonly durable: ReadonlyMap<FolderNode, ReadonlyMap<string, Node>>;
  readonly data: ReadonlyMap<FileNode, FrozenData>;
  /** In the order they were made. */
  readonly changes: ReadonlySet<NameChange>;
}

/** One disk that a power loss may leave. */
export interface Survivor {
  /** The choices that lead to it. */
  readonly choices: readonly number[];
  readonly names: DiskNames;
  /** The same for equal disks, and for no others. */
  readonly key: string;
  /** The changes of names that survived though they were not durable. */
  readonly kept: ReadonlySet<NameChange>;
  /** Which version survived, of all that can be reached by a name. */
  readonly versions: ReadonlyMap<History<unknown>, number>;
}

/** Disks that a power loss may leave. */
export interface Survivors {
  /** Different ones. */
  readonly all: readonly Survivor[];
  /** Whether these are all there can be. */
  readonly complete: boolean;
}

/** Chooses a number from 0, which stands for what is durable, up to `options`. */
export type Choose = (options: number) => number;

/** Captures a disk as it is now. */
export function captureImage(disk: SimulatedDisk): DiskImage {
  const durable = new Map<FolderNode, ReadonlyMap<string, Node>>();
  const data = new Map<FileNode, FrozenData>();
  const visit = (node: Node | undefined) => {
    if (node?.kind === "file") data.set(node, node.data.freeze());
    else if (node?.kind === "folder" && !durable.has(node)) {
      durable.set(node, new Map(node.durable));
      for (const inside of node.durable.values()) visit(inside);
    }
  };
  visit(disk.root);
  const changes = new Set(disk.pending);
  for (const { entries } of changes) for (const { node } of entries) visit(node);
  return { blockSize: disk.blockSize, root: disk.root, durable, data, changes };
}

/** Blocks by their content, so that equal disks are known by short keys. */
const blockNumbers = new Map<string, number>();
const numberOfBlock = new WeakMap<Uint8Array, number>();

function blockNumber(block: Uint8Array): number {
  let number = numberOfBlock.get(block);
  if (number === undefined) {
    const content = String.fromCharCode(...block);
    number = blockNumbers.get(content) ?? blockNumbers.size;
    blockNumbers.set(content, number);
    numberOfBlock.set(block, number);
  }
  return number;
}
