/** What a power loss may leave, against the model's definition in its plainest words. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Files, Simulation } from "../../../../lab/worlds/simulation/mod.ts";
import { checkProperty } from "../../../_property.ts";

const limit = { timeout: 120_000 };
const FILE = "tests/lab/worlds/simulation/survivors_test.ts";

/** Everything below a folder: paths of files and their bytes, paths of folders. */
function contents(files: Files, folder = "/"): string[] {
  return files.list(folder).flatMap((name) => {
    const path = `${folder === "/" ? "" : folder}/${name}`;
    if (files.kind(path) === "folder") return [`${path}/`, ...contents(files, path)];
    return [`${path} ${files.readFile(path)!.join(" ")}`.trim()];
  });
}

/** The different disks that may be left, each as text. */
function left(simulation: Simulation): Set<string> {
  const { all, complete } = simulation.survivors(100_000);
  assert(complete);
  const texts = all.map((after) => contents(after.process().files).join("; "));
  assert.equal(new Set(texts).size, texts.length, "one disk twice");
  return new Set(texts);
}

const show = (bytes: ArrayLike<number>) => Array.from(bytes).join(" ");

describe("Simulation.survivors(): data", limit, () => {
  /** A durable file with these bytes. */
  function prepared(bytes: number[], blockSize = 2) {
    const simulation = new Simulation({ blockSize });
    const file = simulation.process().files.open("/f", { create: true });
    file.write(Uint8Array.from(bytes), 0);
    simulation.sync();
    return { simulation, file };
  }

  test("a write within one block survives or not", limit, () => {
    const { simulation, file } = prepared([1, 2]);
    file.write(Uint8Array.of(8, 9), 0);
    assert.deepEqual(left(simulation), new Set(["/f 1 2", "/f 8 9"]));
    file.sync();
    assert.deepEqual(left(simulation), new Set(["/f 8 9"]));
  });

  test("a write over two blocks is torn between them", limit, () => {
    const { simulation, file } = prepared([1, 2, 3, 4]);
    file.write(Uint8Array.of(7, 8), 1);
    const all = ["/f 1 2 3 4", "/f 1 7 3 4", "/f 1 2 8 4", "/f 1 7 8 4"];
    assert.deepEqual(left(simulation), new Set(all));
  });

  test("a size survives without its data, and data without its size", limit, () => {
    const { simulation, file } = prepared([1]);
    file.write(Uint8Array.of(8), 1);
    assert.deepEqual(left(simulation), new Set(["/f 1", "/f 1 0", "/f 1 8"]));
  });

  test("a long append survives as a prefix too", limit, () => {
    const { simulation, file } = prepared([]);
    file.write(Uint8Array.of(1, 2, 3), 0);
    const all = ["/f", "/f 0 0", "/f 1 2", "/f 0 0 0", "/f 1 2 0", "/f 0 0 3", "/f 1 2 3"];
    assert.deepEqual(left(simulation), new Set(all));
  });

  test("a truncation survives without the write after it", limit, () => {
    const { simulation, file } = prepared([1, 2]);
    file.truncate(0);
    file.write(Uint8Array.of(9), 0);
    // The old size over blocks that were cut off, too: size and blocks are independent.
    const all = ["/f 1 2", "/f 0 0", "/f 9 0", "/f", "/f 1", "/f 0", "/f 9"];
    assert.deepEqual(left(simulation), new Set(all));
  });

  test("a block survives in any version since the last sync, and in none before", limit, () => {
    const { simulation, file } = prepared([1]);
    for (const byte of [2, 3]) file.write(Uint8Array.of(byte), 0);
    file.sync();
    for (const byte of [4, 5]) file.write(Uint8Array.of(byte), 0);
    assert.deepEqual(left(simulation), new Set(["/f 3", "/f 4", "/f 5"]));
  });

  test("files survive independently of each other", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    const opened = ["/a", "/b"].map((path) => files.open(path, { create: true }));
    simulation.sync();
    for (const file of opened) file.write(Uint8Array.of(1), 0);
    opened[1].sync();
    assert.deepEqual(left(simulation), new Set(["/a; /b 1", "/a 0; /b 1", "/a 1; /b 1"]));
  });

  test("bytes beyond the end that survived are not there when the file grows", limit, () => {
    const { simulation, file } = prepared([1, 2]);
    file.truncate(1);
    for (const after of simulation.survivors().all) {
      const grown = after.process().files.open("/f", { create: false });
      const before = grown.size();
      grown.truncate(1);
      grown.truncate(2);
      const buffer = new Uint8Array(2);
      grown.read(buffer, 0);
      assert.equal(show(buffer), "1 0", `${before}`);
    }
  });

  test("random writes, truncations and syncs leave every mix of block versions, no other", {
    timeout: 120_000,
  }, async () => {
    const BLOCK = 2;
    const op = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ write: fc.nat(4), length: fc.integer({ min: 1, max: 3 }) }),
      },
      { weight: 2, arbitrary: fc.record({ truncate: fc.nat(6) }) },
      { weight: 1, arbitrary: fc.record({ sync: fc.constant(true) }) },
    );
    await checkProperty(
      fc.property(fc.array(op, { maxLength: 5 }), (ops) => {
        const { simulation, file } = prepared([101, 102, 103], BLOCK);
        // The model: what there was of each block, and of the size, since the last sync.
        let now: number[] = [101, 102, 103];
        const blockOf = (bytes: number[], index: number) =>
          [0, 1].map((i) => bytes[index * BLOCK + i] ?? 0);
        let blocks = [0, 1, 2, 3].map((index) => [blockOf(now, index)]);
        let sizes = [now.length];
        const note = () => {
          blocks.forEach((versions, index) => versions.push(blockOf(now, index)));
          sizes.push(now.length);
        };
        let byte = 0;
        const assertLeft = () => {
          let mixes: number[][] = [[]];
          for (const versions of blocks) {
            mixes = mixes.flatMap((mix) => versions.map((version) => [...mix, ...version]));
          }
          const expected = new Set(
            sizes.flatMap((size) => mixes.map((mix) => `/f ${show(mix.slice(0, size))}`.trim())),
          );
          assert.deepEqual(left(simulation), expected);
        };
        for (const op of ops) {
          if ("write" in op) {
            const bytes = Array.from({ length: op.length }, () => ++byte);
            file.write(Uint8Array.from(bytes), op.write);
            for (let i = 0; i < op.length;) {
              while (now.length < op.write + i) now.push(0);
              now[op.write + i] = bytes[i];
              i++;
              if (i === op.length || (op.write + i) % BLOCK === 0) note();
            }
          } else if ("truncate" in op) {
            file.truncate(op.truncate);
            now = Array.from({ length: op.truncate }, (_, i) => now[i] ?? 0);
            note();
          } else {
            file.sync();
            blocks = blocks.map((versions) => versions.slice(-1));
            sizes = sizes.slice(-1);
          }
          if (ops.length <= 3) assertLeft();
        }
        assertLeft();
      }),
      FILE,
    );
  });
});

describe("Simulation.survivors(): names", limit, () => {
  function durable(files: Files, path: string, bytes: number[]): void {
    const file = files.open(path, { create: true });
    file.write(Uint8Array.from(bytes), 0);
    file.sync();
    file.close();
  }

  test(
    "the sync of a file makes no name durable, that of its folder makes no data so",
    limit,
    () => {
      const simulation = new Simulation();
      const { files } = simulation.process();
      durable(files, "/f", [1]);
      assert.deepEqual(left(simulation), new Set(["", "/f 1"]));
      files.open("/g", { create: true }).write(Uint8Array.of(2), 0);
      files.syncFolder("/");
      assert.deepEqual(left(simulation), new Set(["/f 1; /g", "/f 1; /g 0", "/f 1; /g 2"]));
    },
  );

  test("a rename survives whole or not at all", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    durable(files, "/old", [1]);
    durable(files, "/new", [2]);
    simulation.sync();
    files.rename("/new", "/old");
    assert.deepEqual(left(simulation), new Set(["/new 2; /old 1", "/old 2"]));
  });

  test("of two changes that have nothing in common the later survives alone", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    durable(files, "/a", [1]);
    durable(files, "/b", [2]);
    assert.deepEqual(left(simulation), new Set(["", "/a 1", "/b 2", "/a 1; /b 2"]));
  });

  test("the changes of one name survive in their order", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    durable(files, "/a", [1]);
    files.remove("/a");
    durable(files, "/a", [2]);
    assert.deepEqual(left(simulation), new Set(["", "/a 1", "/a 2"]));
  });

  test("a folder that is lost takes with it what was synced inside", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    files.makeFolder("/d/e");
    durable(files, "/d/e/f", [1]);
    files.syncFolder("/d/e");
    assert.deepEqual(left(simulation), new Set(["", "/d/", "/d/; /d/e/; /d/e/f 1"]));
    files.syncFolder("/d");
    files.syncFolder("/");
    assert.equal(left(simulation).size, 1);
  });

  test("a removed file that comes back has the data that was durable", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    durable(files, "/f", [1]);
    simulation.sync();
    files.remove("/f");
    // The number of its inode is used again, which the old file must not be mixed up by.
    durable(files, "/g", [2]);
    assert.deepEqual(left(simulation), new Set(["/f 1", "", "/g 2"]));
  });

  test("folders that move into each other are not lost both", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    files.makeFolder("/a/x");
    durable(files, "/a/f", [1]);
    simulation.sync();
    files.rename("/a/x", "/x");
    files.rename("/a", "/x/a");
    const all = ["/a/; /a/f 1; /a/x/", "/a/; /a/f 1; /x/", "/x/; /x/a/; /x/a/f 1"];
    assert.deepEqual(left(simulation), new Set(all));
  });

  test("what is created on a disk that was left is another file than those on it", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    durable(files, "/a", [1]);
    simulation.sync();
    for (const after of simulation.survivors().all) {
      const { files } = after.process();
      files.open("/b", { create: true });
      assert.notEqual(files.identify("/a")!.ino, files.identify("/b")!.ino);
    }
  });

  test("random creates, renames, removes and syncs leave what the definition says", {
    timeout: 120_000,
  }, async () => {
    const folder = fc.constantFrom("", "/d", "/e");
    const path = fc.record({ folder, name: fc.constantFrom("a", "b") })
      .map(({ folder, name }) => `${folder}/${name}`);
    const op = fc.oneof(
      { weight: 3, arbitrary: fc.record({ create: path }) },
      { weight: 4, arbitrary: fc.record({ rename: path, to: path }) },
      { weight: 2, arbitrary: fc.record({ remove: path }) },
      { weight: 1, arbitrary: fc.record({ sync: folder }) },
    );
    const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/"));
    await checkProperty(
      fc.property(fc.array(op, { maxLength: 14, size: "max" }), (ops) => {
        const simulation = new Simulation();
        const { files } = simulation.process();
        files.makeFolder("/d");
        files.makeFolder("/e");
        simulation.sync();
        // Every file stays open, so that no number of an inode is used again.
        interface Change {
          readonly entries: readonly (readonly [path: string, file: number | undefined])[];
          readonly file: number;
          durable: boolean;
        }
        const changes: Change[] = [];
        const now = new Map<string, number>();
        const meet = (a: Change, b: Change) =>
          a.file === b.file ||
          a.entries.some(([path]) => b.entries.some(([other]) => other === path));
        const settle = (change: Change) => {
          if (change.durable) return;
          change.durable = true;
          for (const earlier of changes.slice(0, changes.indexOf(change))) {
            if (meet(earlier, change)) settle(earlier);
          }
        };
        const change = (file: number, ...entries: Change["entries"]) => {
          changes.push({ entries, file, durable: false });
          for (const [path, file] of entries) {
            if (file === undefined) now.delete(path);
            else now.set(path, file);
          }
        };
        let count = 0;
        for (const op of ops) {
          if ("create" in op) {
            if (now.has(op.create)) continue;
            const file = files.open(op.create, { create: true });
            file.write(Uint8Array.of(++count), 0);
            file.sync();
            change(count, [op.create, count]);
          } else if ("rename" in op) {
            const file = now.get(op.rename);
            if (file === undefined || op.rename === op.to) continue;
            files.rename(op.rename, op.to);
            change(file, [op.rename, undefined], [op.to, file]);
          } else if ("remove" in op) {
            const file = now.get(op.remove);
            if (file === undefined) continue;
            files.remove(op.remove);
            change(file, [op.remove, undefined]);
          } else {
            files.syncFolder(op.sync || "/");
            for (const change of changes) {
              if (change.entries.some(([path]) => folderOf(path) === op.sync)) settle(change);
            }
          }
        }
        const expected = new Set<string>();
        for (let subset = 0; subset < 2 ** changes.length; subset++) {
          const survives = (i: number) => (subset >> i & 1) === 1;
          const allowed = changes.every((change, i) =>
            survives(i)
              ? changes.slice(0, i).every((earlier, j) => survives(j) || !meet(earlier, change))
              : !change.durable
          );
          if (!allowed) continue;
          const tree = new Map<string, string>([["/d/", "/d/"], ["/e/", "/e/"]]);
          changes.forEach(({ entries }, i) => {
            if (!survives(i)) return;
            for (const [path, file] of entries) {
              if (file === undefined) tree.delete(path);
              else tree.set(path, `${path} ${file}`);
            }
          });
          expected.add([...tree.keys()].sort().map((path) => tree.get(path)).join("; "));
        }
        const found = new Set(
          [...left(simulation)].map((text) =>
            text.split("; ").sort((a, b) => a.split(" ")[0] < b.split(" ")[0] ? -1 : 1).join("; ")
          ),
        );
        assert.deepEqual(found, expected);
      }),
      FILE,
    );
  });
});

describe("Simulation.survivors(): sampling", limit, () => {
  function manyWrites(seed: number): Simulation {
    const simulation = new Simulation({ blockSize: 1, seed });
    const file = simulation.process().files.open("/f", { create: true });
    file.truncate(200);
    simulation.sync();
    for (let i = 0; i < 200; i++) file.write(Uint8Array.of(1), i);
    return simulation;
  }
  const texts = (simulation: Simulation) =>
    simulation.survivors(50).all.map((after) => contents(after.process().files).join());

  test("too many disks are sampled, with both ends, by the seed", limit, () => {
    const { complete, all } = manyWrites(3).survivors(50);
    assert.equal(complete, false);
    assert.equal(all.length, 50);
    const found = texts(manyWrites(3));
    const kept = found.map((text) => text.match(/1/g)?.length ?? 0).sort((a, b) => a - b);
    assert.deepEqual([kept[0], kept.at(-1)], [0, 200], "nothing survived, and all did");
    // Some samples have almost nothing, some almost all, and some half.
    assert(kept[5] < 40 && kept.at(-5)! > 160, `${kept}`);
    assert(kept.some((count) => count > 80 && count < 120), `${kept}`);
    assert.deepEqual(texts(manyWrites(3)), found);
    assert.notDeepEqual(texts(manyWrites(4)), found);
  });
});

test("Simulation.losePower() kills every process and leaves one of the survivors", limit, () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const simulation = new Simulation({ blockSize: 1, seed });
    const process = simulation.process();
    const file = process.files.open("/f", { create: true });
    file.write(Uint8Array.of(1, 2), 0);
    file.tryLock("exclusive");
    const possible = left(simulation);
    simulation.losePower();
    assert.equal(process.state, "killed");
    assert.throws(
      () => file.sync(),
      /^ProcessEndedError: Cannot sync: process process 1 was killed$/,
    );
    assert.throws(() => process.files.list("/"), /was killed$/);
    const found = contents(simulation.process().files).join("; ");
    assert(possible.has(found), found);
    outcomes.add(found);
    if (found !== "") assert.deepEqual(simulation.locks("/f"), []);
  }
  assert.equal(outcomes.size, 8, "each of them, in the end");
});
