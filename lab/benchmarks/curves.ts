/** How times grow with how many there are of what. */
import type { WorldName } from "../worlds/mod.ts";
import { mapEntries, pinnedVersions, queueDepth } from "./_data_curves.ts";
import { readers, waiters, writers } from "./_task_curves.ts";
import type { PrepareCase } from "./case.ts";

/** What every curve has. */
interface CurveBase {
  /** Its name at the command line. */
  readonly name: string;
  readonly title: string;
  /** What is measured and how, in sentences. */
  readonly about: string;
  /** What is counted. */
  readonly x: string;
  /** What is done once in the times that are told. */
  readonly operation: string;
}

/** A curve with a case at each point; the lines are its ways. */
export interface CaseCurve extends CurveBase {
  readonly points: readonly { readonly x: number; readonly prepare: PrepareCase }[];
}

/** A curve of free runs of a scenario between more and more actors; the lines are its variants. */
export interface FreeCurve extends CurveBase {
  readonly scenario: string;
  readonly variants: readonly string[];
  readonly world: WorldName;
  /** How many actors, at each point. */
  readonly actors: readonly number[];
  /** Increments of all actors together; each of `actors` divides it. */
  readonly increments: number;
}

/** A curve of either kind. */
export type Curve = CaseCurve | FreeCurve;

const over = (xs: readonly number[], prepare: (x: number) => PrepareCase) =>
  xs.map((x) => ({ x, prepare: prepare(x) }));

/** All of them. */
export const curves: readonly Curve[] = [
  {
    name: "curve-readers",
    title: "reading, as there are more readers",
    about:
      "Readers share 4,096 reads, and each lets others run in the midst of every one. Under an " +
      "RwLock nobody could read while a slow write is in flight, so that it has no such line.",
    x: "readers",
    operation: "read",
    points: over([1, 4, 16, 64, 256], readers),
  },
  {
    name: "curve-tasks",
    title: "updating under a lock, as more tasks want it",
    about:
      "Tasks of one isolate share 2,048 updates of one count: read it, let others run, write it back.",
    x: "tasks",
    operation: "update",
    points: over([1, 4, 16, 64], writers),
  },
  {
    name: "curve-workers",
    title: "updating under a lock, as more threads want it",
    about:
      "Workers share 2,400 increments of a word of shared memory, each a read and a write. What is " +
      "unguarded stands beside it as the floor; its results are wrong.",
    x: "workers",
    operation: "increment",
    scenario: "lost-update",
    variants: ["locked", "unguarded"],
    world: "workers",
    actors: [1, 2, 4, 8],
    increments: 2_400,
  },
  {
    name: "curve-processes",
    title: "updating under a lock, as more processes want it",
    about:
      "Deno and Bun processes share 240 increments of a file that is replaced at each write. What is " +
      "unguarded stands beside it as the floor; its results are wrong.",
    x: "processes",
    operation: "increment",
    scenario: "lost-update",
    variants: ["locked", "unguarded"],
    world: "processes",
    actors: [1, 2, 4, 8],
    increments: 240,
  },
  {
    name: "curve-waiters",
    title: "handing a lock on, as the queue grows",
    about:
      "So many tasks wait for a lock; then it is handed from one to the next until all were inside, in " +
      "the order they came. Making the waiters is part of the time.",
    x: "waiters",
    operation: "hand-off",
    points: over([1, 10, 100, 1_000, 10_000, 100_000], waiters),
  },
  {
    name: "curve-map-entries",
    title: "setting one key, as the map grows",
    about: "One key of a map in Snapshots is set to another value.",
    x: "entries",
    operation: "update",
    points: over([10, 100, 1_000, 10_000, 100_000, 1_000_000], mapEntries),
  },
  {
    name: "curve-queue",
    title: "queueing a write, as the queue fills up to its bound",
    about:
      "A write is taken out of a table's queue and another one queued, which is on the disk before it " +
      "is accepted; and the next one to be applied is read.",
    x: "pending",
    operation: "removal and write",
    points: over([1, 25, 50, 75, 100], queueDepth),
  },
  {
    name: "curve-pinned",
    title: "updating and pinning, as more old versions are pinned",
    about:
      "One key of a small map in Snapshots is set while so many older versions are kept alive.",
    x: "pinned versions",
    operation: "update",
    points: over([0, 1, 10, 100, 1_000], pinnedVersions),
  },
];
