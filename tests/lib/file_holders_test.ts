/** `FileLock.holders()`: against real processes of both runtimes, and against tables made up. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { type SimulatedProcess, Simulation } from "../../lab/worlds/simulation/mod.ts";
import { withHost } from "../../lib/_host.ts";
import { FileLock } from "../../mod.ts";
import { runtimes } from "../../lab/worlds/_runtimes.ts";
import { start } from "../processes/_children.ts";
import { Folder } from "./_folder.ts";

const limit = { timeout: 60_000 };
const tells = existsSync("/proc/locks");

const byPid = (holders: ReturnType<FileLock["holders"]>) =>
  holders === "unknown" ? holders : [...holders].sort((a, b) => a.pid - b.pid);

test("FileLock.holders() names the processes that hold the lock, and how", limit, async () => {
  using folder = new Folder();
  const path = folder.at("lock");
  using lock = new FileLock(path);
  assert.deepEqual(lock.holders(), []);
  assert.equal(existsSync(path), false, "it creates nothing");

  await using a = await start(0, "hold", { lock: path, mode: "read" });
  await using b = await start(1, "hold", { lock: path, mode: "read" });
  for (const child of [a, b]) {
    child.tell();
    await child.next("waits");
    await child.next("inside");
  }
  const guard = await lock.read();
  const readers = [a.pid, b.pid, process.pid].map((pid) => ({ pid, mode: "read" as const }));
  assert.deepEqual(byPid(lock.holders()), tells ? byPid(readers) : "unknown");

  await a.kill();
  await b.kill();
  guard.release();
  assert.deepEqual(lock.holders(), []);
  using _writer = await lock.write();
  assert.deepEqual(
    new FileLock(path).holders(),
    tells ? [{ pid: process.pid, mode: "write" }] : "unknown",
  );
});

test("FileLock.holders() is unknown where Deno may not read the table", limit, (t) => {
  const deno = runtimes().find(({ name }) => name === "deno");
  if (deno === undefined) return t.skip("Deno is not on this machine");
  using folder = new Folder();
  const program = `
    import { FileLock } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
    const lock = new FileLock(${JSON.stringify(folder.at("lock"))});
    const guard = await lock.write();
    const inside = lock.holders();
    guard.release();
    console.log(JSON.stringify([inside, lock.holders()]));
  `;
  const { path } = folder;
  const args = ["run", "--no-prompt", `--allow-read=${path}`, `--allow-write=${path}`, "-"];
  const { stdout, stderr } = spawnSync(deno.command, args, { input: program, encoding: "utf8" });
  assert.equal(stdout.trim(), `["unknown",[]]`, stderr);
});

/** A simulated process whose system has a table of locks. */
function withTable(table: string | undefined): { process: SimulatedProcess; lock: FileLock } {
  const simulation = new Simulation();
  const process = simulation.process();
  process.files.readFile = (path) => {
    assert.equal(path, "/proc/locks");
    return table === undefined ? undefined : new TextEncoder().encode(table);
  };
  return { process, lock: withHost(process, () => new FileLock("/lock")) };
}

test(
  "FileLock.holders() finds its file in the table, and only who holds its flock",
  limit,
  async () => {
    const { process, lock } = withTable(undefined);
    using _guard = await lock.read();
    const { ino } = process.files.identify("/lock")!;
    // The inode is 1 or so; what else is in the table must not be taken for it.
    const table = [
      `1: POSIX  ADVISORY  WRITE 11 fe:00:${ino} 0 EOF`,
      `2: FLOCK  ADVISORY  READ 12 fe:00:${ino} 0 EOF`,
      `2: -> FLOCK  ADVISORY  WRITE 13 fe:00:${ino} 0 EOF`,
      `3: FLOCK  ADVISORY  WRITE 14 fe:01:${ino} 0 EOF`,
      `4: FLOCK  ADVISORY  WRITE 15 fe:00:${ino}0 0 EOF`,
      `5: FLOCK  ADVISORY  READ 16 fe:00:${ino} 0 EOF`,
      `6: FLOCK  ADVISORY  WRITE 17 103:10b:${ino} 0 EOF`,
      "",
    ].join("\n");
    process.files.readFile = () => new TextEncoder().encode(table);
    const on = (dev: number) => {
      process.files.identify = () => ({ dev, ino });
      return lock.holders();
    };
    assert.deepEqual(on(0xfe00), [{ pid: 12, mode: "read" }, { pid: 16, mode: "read" }]);
    // Major 0x103, minor 0x10b, as Linux packs them.
    assert.deepEqual(on(0x11030b), [{ pid: 17, mode: "write" }]);
  },
);

test(
  "FileLock.holders() is unknown, not nobody, when the table leaves the holder out",
  limit,
  async () => {
    for (const table of [undefined, "", "1: FLOCK  ADVISORY  WRITE 14 00:07:99 0 EOF\n"]) {
      const { process, lock } = withTable(table);
      const guard = await lock.write();
      assert.equal(lock.holders(), "unknown");
      process.files.readFile = () => {
        throw new Error("no right to read");
      };
      assert.equal(lock.holders(), "unknown");
      guard.release();
      assert.deepEqual(lock.holders(), [], "the lock itself was asked");
      process.files.identify = () => {
        throw new Error("no right to look");
      };
      assert.equal(lock.holders(), "unknown");
    }
  },
);
