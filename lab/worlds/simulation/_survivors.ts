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
import { type FileNode, type FolderNode, type NameChange, type Node, place } from "./_nodes.ts";
import type { DiskEntry, DiskNames, SimulatedDisk } from "./_disk.ts";

/** A disk as it was at one moment, with all that was not durable then. */
export interface DiskImage {
  readonly blockSize: number;
  readonly root: FolderNode;
  readonly durable: ReadonlyMap<FolderNode, ReadonlyMap<string, Node>>;
  readonly data: ReadonlyMap<FileNode, FrozenData>;
  /** In the order they were made, with those each builds on. */
  readonly changes: ReadonlyMap<NameChange, readonly NameChange[]>;
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

/**
 * Chooses a number from 0, which stands for what is durable, up to `options`.
 *
 * @param options How many there are to choose from.
 * @param what What may have survived, in words.
 * @param of The file it belongs to: its name, without folders.
 */
export type Choose = (options: number, what: string, of: string) => number;

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
  const { pending } = disk;
  const changes = new Map(
    [...pending].map((change) => [change, change.after.filter((one) => pending.has(one))]),
  );
  for (const { entries } of changes.keys()) for (const { node } of entries) visit(node);
  return { blockSize: disk.blockSize, root: disk.root, durable, data, changes };
}

/**
 * Names for disks: the same for equal ones, and for no others. Blocks are numbered by their content,
 * so that a name is short.
 */
export class DiskKeys {
  readonly #byContent = new Map<string, number>();
  readonly #byBlock = new WeakMap<Uint8Array, number>();

  /** The key of a disk with these names. */
  of(names: DiskNames): string {
    let key = "";
    for (const [name, entry] of names) {
      key += `${JSON.stringify(name)}:`;
      if (entry.kind === "folder") key += `{${this.of(entry.names)}}`;
      else if (entry.kind === "link") key += JSON.stringify(entry.target);
      else {
        key += entry.bytes.size;
        for (const [number, block] of entry.bytes.blocks) {
          key += `,${number}=${this.#number(block)}`;
        }
      }
      key += ";";
    }
    return key;
  }

  #number(block: Uint8Array): number {
    let number = this.#byBlock.get(block);
    if (number === undefined) {
      const content = block.join();
      number = this.#byContent.get(content) ?? this.#byContent.size;
      this.#byContent.set(content, number);
      this.#byBlock.set(block, number);
    }
    return number;
  }
}

/** The disk that is left when the choices are made by `choose`. */
export function survive(image: DiskImage, choose: Choose, keys: DiskKeys): Survivor {
  const choices: number[] = [];
  const pick = (options: number, what: string, of: string): number => {
    if (options === 1) return 0;
    const choice = choose(options, what, of);
    choices.push(choice);
    return choice;
  };
  const kept = new Set<NameChange>();
  const tree = new Map<FolderNode, Map<string, Node>>();
  const namesIn = (folder: FolderNode): Map<string, Node> => {
    let names = tree.get(folder);
    if (names === undefined) tree.set(folder, names = new Map(image.durable.get(folder)));
    return names;
  };
  for (const [change, after] of image.changes) {
    if (after.some((earlier) => !kept.has(earlier))) continue;
    const { what, of } = describeChange(change);
    if (pick(2, what, of) === 0) continue;
    kept.add(change);
    place(change.entries, namesIn);
  }
  const versions = new Map<History<unknown>, number>();
  const version = <T>({ of, durable, versions: all }: Frozen<T>, what: string, name: string): T => {
    const chosen = pick(all.length, what, name);
    versions.set(of, durable + chosen);
    return all[chosen];
  };
  const build = (folder: FolderNode): DiskNames =>
    new Map(
      [...namesIn(folder)].sort(([a], [b]) => a < b ? -1 : 1).map(([name, node]) => {
        const entry: DiskEntry = node.kind === "folder"
          ? { kind: "folder", ino: node.ino, mode: node.mode, names: build(node) }
          : node.kind === "link"
          ? { kind: "link", ino: node.ino, target: node.target }
          : {
            kind: "file",
            ino: node.ino,
            mode: node.mode,
            bytes: bytesOf(image, node, name, version),
          };
        return [name, entry];
      }),
    );
  const names = build(image.root);
  return { choices, names, key: keys.of(names), kept, versions };
}

/** A change of names in words, and the name it is about. */
function describeChange({ entries }: NameChange): { what: string; of: string } {
  const [{ name, node }, to] = entries;
  if (to !== undefined) return { what: "rename", of: `${name} to ${to.name}` };
  return { what: node === undefined ? "removal of" : "creation of", of: name };
}

/** The bytes of a file, `version` choosing what survived. */
function bytesOf(
  { blockSize, data }: DiskImage,
  file: FileNode,
  name: string,
  version: <T>(history: Frozen<T>, what: string, of: string) => T,
): Bytes {
  const frozen = data.get(file)!;
  const size = version(frozen.size, "size of", name);
  const blocks = new Map<number, Uint8Array>();
  for (const [number, history] of frozen.blocks) {
    const inside = size - number * blockSize;
    if (inside <= 0) break;
    let block = version(history, `block ${number + 1} of`, name);
    // Beyond the end a file has zeros, should it grow again.
    if (inside < blockSize && block.subarray(inside).some((byte) => byte !== 0)) {
      block = block.slice();
      block.fill(0, inside);
    }
    if (block.some((byte) => byte !== 0)) blocks.set(number, block);
  }
  return { size, blocks };
}

/** What a sample favours, as chances of what is durable and of what is newest. */
const STYLES = [[0, 0], [0.05, 0.9], [0.9, 0.05], [0.45, 0.45]] as const;

/**
 * The different disks a power loss may leave: all of them if there are no more than `limit` rows of
 * choices, else the two at the ends (nothing and everything survived) and a sample.
 *
 * @param image The disk when the power was lost.
 * @param options How many to make at most, what the sample is drawn by, and the keys in use.
 */
export function findSurvivors(
  image: DiskImage,
  { limit, seed, keys = new DiskKeys() }: { limit: number; seed: number; keys?: DiskKeys },
): Survivors {
  const found = new Map<string, Survivor>();
  const add = (choose: Choose): Survivor => {
    const survivor = survive(image, choose, keys);
    found.set(survivor.key, survivor);
    return survivor;
  };
  let row: number[] = [];
  for (let rows = 0; rows < limit; rows++) {
    const widths: number[] = [];
    const { choices } = add((options) => row[widths.push(options) - 1] ?? 0);
    row = [...choices];
    while (row.length > 0 && row[row.length - 1] === widths[row.length - 1] - 1) row.pop();
    if (row.length === 0) return { all: [...found.values()], complete: true };
    row[row.length - 1]++;
  }
  found.clear();
  add(() => 0);
  add((options) => options - 1);
  const prng = new Prng(seed);
  for (let sample = 0; found.size < limit && sample < 2 * limit; sample++) {
    const [durable, newest] = STYLES[sample % STYLES.length];
    add((options) => {
      const chance = prng.next() / 2 ** 32;
      if (chance < durable) return 0;
      if (chance < durable + newest) return options - 1;
      return prng.below(options);
    });
  }
  return { all: [...found.values()], complete: false };
}
