/** Curves over how much there is: entries of a map, writes in a queue, versions that are pinned. */
import { Map as PersistentMap } from "immutable";
import { makeTempDir } from "@std/fs/unstable-make-temp-dir";
import { remove } from "@std/fs/unstable-remove";
import {
  CsvRow,
  getNextPending,
  type NewWrite,
  queueWrite,
  removeFromQueue,
} from "../../lib/queue/mod.ts";
import { type Pin, Snapshots } from "../../mod.ts";
import type { Case, PrepareCase } from "./case.ts";

/** Updates in a sample. */
const UPDATES = 500;

/** One key of a map with so many is set. Each sample sets another value than the one before. */
export function mapEntries(size: number): PrepareCase {
  return (): Case => {
    const entries = Array.from({ length: size }, (_, i) => [i, i] as const);
    const persistent = new Snapshots(PersistentMap(entries));
    const plain = new Snapshots<ReadonlyMap<number, number>>(new Map(entries));
    const key = (i: number) => i * 7919 % size;
    let sample = 0;
    return {
      operations: UPDATES,
      expected: { size, right: true },
      ways: [{
        name: "Snapshots of an npm:immutable map",
        async run() {
          const value = -(++sample);
          for (let i = 0; i < UPDATES; i++) {
            await persistent.update((map) => map.set(key(i), value));
          }
          const { current } = persistent;
          return { size: current.size, right: current.get(key(UPDATES - 1)) === value };
        },
      }, {
        name: "Snapshots of a Map, copied",
        operations: 1,
        async run() {
          const value = -(++sample);
          await plain.update((map) => new Map(map).set(key(1), value));
          return { size: plain.current.size, right: plain.current.get(key(1)) === value };
        },
      }],
    };
  };
}

/** A write is queued and taken out again, and the next one looked at, with so many in the queue. */
export function queueDepth(depth: number): PrepareCase {
  return async (): Promise<Case> => {
    const base = await makeTempDir({ prefix: "interlock-bench-" });
    const table = "table";
    const insert = (key: string): NewWrite => ({
      operation: "insert",
      rows: [new CsvRow(key, ["some", "values, one of them quoted", "1843"])],
    });
    // What is queued in a sample makes it so many.
    const first = depth === 1 ? undefined : await queueWrite(base, table, insert("0"));
    for (let i = 1; i < depth - 1; i++) await queueWrite(base, table, insert(`${i}`));
    const last = await queueWrite(base, table, insert("last"));
    let queued = last;
    return {
      operations: 1,
      expected: true,
      ways: [{
        name: "removeFromQueue() and queueWrite()",
        async run() {
          const removed = await removeFromQueue(base, table, queued);
          queued = await queueWrite(base, table, insert("last"));
          return removed;
        },
      }, {
        name: "getNextPending()",
        run: async () => (await getNextPending(base, table))?.id === (first ?? queued),
      }],
      close: () => remove(base, { recursive: true }),
    };
  };
}

/** One key is set, and a version pinned, while so many older versions are kept alive by pins. */
export function pinnedVersions(count: number): PrepareCase {
  return async (): Promise<Case> => {
    const snapshots = new Snapshots(PersistentMap<number, number>());
    const pins: Pin<PersistentMap<number, number>>[] = [];
    for (let i = 0; i < count; i++) {
      pins.push(snapshots.pin());
      await snapshots.update((map) => map.set(0, i));
    }
    const asPinned = () =>
      pins.every(({ value }, i) => value.get(0) === (i === 0 ? undefined : i - 1));
    return {
      operations: UPDATES,
      expected: UPDATES,
      ways: [{
        name: "update()",
        async run() {
          const before = snapshots.epoch;
          for (let i = 0; i < UPDATES; i++) await snapshots.update((map) => map.set(1, i));
          return asPinned() ? snapshots.epoch - before : "a pinned version has changed";
        },
      }, {
        name: "pin() and release",
        run() {
          let pinned = 0;
          for (let i = 0; i < UPDATES; i++) {
            using pin = snapshots.pin();
            if (pin.epoch === snapshots.epoch) pinned++;
          }
          return asPinned() ? pinned : "a pinned version has changed";
        },
      }],
      close: () => {
        for (const pin of pins) pin[Symbol.dispose]();
      },
    };
  };
}
