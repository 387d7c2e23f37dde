/**
 * `Snapshots` beside floors: what pins cost beside an object, and what one key of a big map costs
 * beside the persistent map alone, and beside copies.
 */
import { Map as PersistentMap } from "immutable";
import { create } from "mutative";
import { RwLock, Snapshots } from "../mod.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
  type Rival,
} from "../lab/runners/suite.ts";

const PINS = 10_000;
const UPDATES = 2_000;

/** Entries of the maps in a smoke test: to make those of a million ready takes seconds. */
const SMOKE = 10_000;

/** Objects are put here, so that the compiler cannot do without making them. */
const escaped: unknown[] = new Array(16).fill(undefined);

function pinBenchmark(label: string | undefined): Benchmark {
  return defineBenchmark(
    label === undefined ? "Snapshots.pin() + release" : "Snapshots.pin(label) + release",
    () => {
      const snapshots = new Snapshots({ sum: 1 });
      const value = { sum: 1 };
      const plain: Contestant = {
        name: "Snapshots",
        run() {
          let pinned = 0;
          for (let i = 0; i < PINS; i++) {
            const pin = snapshots.pin();
            escaped[i & 15] = pin;
            pinned += pin.value.sum;
            pin[Symbol.dispose]();
          }
          return [pinned, snapshots.stats().readers];
        },
      };
      const named: Contestant = {
        name: "Snapshots",
        run() {
          let pinned = 0;
          for (let i = 0; i < PINS; i++) {
            const pin = snapshots.pin(label);
            escaped[i & 15] = pin;
            pinned += pin.value.sum;
            pin[Symbol.dispose]();
          }
          return [pinned, snapshots.stats().readers];
        },
      };
      const floor: Contestant = {
        name: "an object { value, epoch } that escapes",
        run() {
          let seen = 0;
          for (let i = 0; i < PINS; i++) {
            const object = { value, epoch: i };
            escaped[i & 15] = object;
            seen += object.value.sum;
          }
          return [seen, 0];
        },
      };
      return {
        operations: PINS,
        expected: [PINS, 0],
        ours: label === undefined ? plain : named,
        rivals: [label === undefined ? { ...floor, atMost: 5 } : floor],
      };
    },
  );
}

/** Keys spread over a map of that size, all of them different, the same for every contestant. */
function* keys(size: number, count: number): Generator<number> {
  for (let i = 0, key = 0; i < count; i++) yield key = (key + 611_953) % size;
}

/** The entries of a map. */
const entriesOf = (size: number) => Array.from({ length: size }, (_, i) => [i, i] as const);

/** How a row calls its map. */
const sizeOf = (size: number) => `one key of ${size.toLocaleString("en")} entries`;

/**
 * Ours. Each sample sets other values than the one before, for a persistent map makes nothing of a
 * value that is there already.
 */
function persistentUpdates(size: number, keys: readonly number[]): Contestant {
  const snapshots = new Snapshots(PersistentMap(entriesOf(size)));
  const last = keys[keys.length - 1];
  let sample = 0;
  return {
    name: "Snapshots of an npm:immutable map",
    async run() {
      const value = -(++sample);
      for (const key of keys) await snapshots.update((map) => map.set(key, value));
      const { current } = snapshots;
      return { size: current.size, right: current.get(last) === value };
    },
  };
}

function updateBenchmark(full: number): Benchmark {
  return defineBenchmark(`update of ${sizeOf(full)}`, ({ smoke }) => {
    const size = smoke ? SMOKE : full;
    const all = [...keys(size, UPDATES)];
    const last = all[UPDATES - 1];
    const lock = new RwLock();
    let map = PersistentMap(entriesOf(size));
    let sample = 0;
    return {
      operations: UPDATES,
      expected: { size, right: true },
      ours: persistentUpdates(size, all),
      rivals: [{
        name: "the map's own set() and an awaited lock pair",
        atMost: 5,
        async run() {
          const value = -(++sample);
          for (const key of all) {
            const guard = await lock.write();
            map = map.set(key, value);
            guard.release();
          }
          return { size: map.size, right: map.get(last) === value };
        },
      }],
    };
  });
}

/** Beside what takes as long as the map is big: so long that it sets one key a sample. */
function copyBenchmark(full: number): Benchmark {
  return defineBenchmark(`update of ${sizeOf(full)}, beside copies`, ({ smoke }) => {
    const size = smoke ? SMOKE : full;
    const [key] = keys(size, 1);
    const copying = (
      name: string,
      set: (map: Map<number, number>) => Map<number, number>,
    ): Rival => {
      const map = new Map(entriesOf(size));
      return {
        name,
        operations: 1,
        run() {
          const next = set(map);
          return { size: next.size, right: next.get(key) === -1 && map.get(key) === key };
        },
      };
    };
    return {
      operations: 100,
      expected: { size, right: true },
      ours: persistentUpdates(size, [...keys(size, 100)]),
      rivals: [
        copying("a copy of a Map", (map) => new Map(map).set(key, -1)),
        copying("mutative", (map) => create(map, (draft) => void draft.set(key, -1))),
      ],
    };
  });
}

/** See above. */
export const benchmarks: BenchmarkSuite = [
  pinBenchmark(undefined),
  pinBenchmark("reader"),
  updateBenchmark(1_000_000),
  copyBenchmark(10_000),
  copyBenchmark(1_000_000),
];
