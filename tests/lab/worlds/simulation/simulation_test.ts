/** Simulated processes: their clocks, their randomness, their ends. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProcessEndedError, Simulation } from "../../../../lab/worlds/simulation/mod.ts";
import { FileLock, LockTimeoutError } from "../../../../mod.ts";

const limit = { timeout: 20_000 };

describe("Simulation", limit, () => {
  test("time passes at once, and a lock's timeout of 30 seconds with it", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    await a.build(() => new FileLock("/lock")).write();
    const waits = b.build(() => new FileLock("/lock")).write({ timeout: 30_000 });
    await assert.rejects(simulation.finish(waits), (error) => {
      assert(error instanceof LockTimeoutError);
      assert.equal(error.waited, 30_000);
      return true;
    });
    assert.equal(simulation.clock.now(), 30_000);
    assert.equal(b.timers, 0);
  });

  test("run() lets time pass to a moment, or until nothing is planned", limit, async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    const fired: number[] = [];
    for (const ms of [5, 10, 20]) process.setTimer(() => fired.push(simulation.clock.now()), ms);
    await simulation.run(10);
    assert.deepEqual(fired, [5, 10]);
    await simulation.run(15);
    assert.equal(simulation.clock.now(), 15);
    await simulation.run();
    assert.deepEqual([fired.length, simulation.clock.now()], [3, 20]);
    await simulation.run(7);
    assert.equal(simulation.clock.now(), 20, "time does not go back");
  });

  test("finish() gives up on what waits for ever, or too long", limit, async () => {
    const simulation = new Simulation();
    await assert.rejects(simulation.finish(new Promise(() => {})), /no timer is set/);
    const process = simulation.process();
    const polls = () => void process.setTimer(polls, 10);
    polls();
    await assert.rejects(simulation.finish(new Promise(() => {}), 500), /still waits after 500 ms/);
    assert.equal(simulation.clock.now(), 500);
    await assert.rejects(simulation.finish(Promise.reject(new Error("its own"))), /its own/);
  });

  test("the seed decides what its processes draw, each for itself", limit, () => {
    const draw = (seed: number, count: number) => {
      const simulation = new Simulation({ seed });
      const [a, b] = [simulation.process(), simulation.process()];
      for (let i = 0; i < count; i++) a.random();
      return [a.random(), b.random()];
    };
    assert.deepEqual(draw(1, 0), draw(1, 0));
    assert.notEqual(draw(1, 0)[0], draw(2, 0)[0]);
    assert.notEqual(draw(1, 0)[0], draw(1, 0)[1]);
    assert.equal(draw(1, 0)[1], draw(1, 9)[1], "whatever the other has drawn");
    assert(draw(1, 0).every((number) => number >= 0 && number < 1));
  });

  test("beforeStep sees each step, and what it throws the step throws", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process("writer");
    const steps: string[] = [];
    simulation.beforeStep = ({ process, action, path, detail, data }) => {
      steps.push(`${process.name} ${action} ${path} ${detail} ${data ?? ""}`.trim());
      if (action === "sync") throw Object.assign(new Error("failed"), { code: "EIO" });
    };
    const file = files.open("/f", { create: true });
    file.write(Uint8Array.of(7), 3);
    assert.throws(() => file.sync(), { code: "EIO" });
    assert.deepEqual(steps, [
      "writer open /f or create it",
      "writer write /f 1 bytes at 3 7",
      "writer sync /f",
    ]);
    assert.equal(simulation.steps, 3);
    assert(simulation.survivors().all.length > 1, "it was not synced");
  });

  test("refuses a block size that is none", limit, () => {
    for (const blockSize of [0, -1, 0.5, NaN]) {
      assert.throws(() => new Simulation({ blockSize }), RangeError);
    }
  });

  test("paths go up no further than the root", limit, () => {
    const simulation = new Simulation();
    const { files } = simulation.process();
    files.open("/f", { create: true });
    simulation.symlink("../../f", "/link");
    assert.equal(files.kind("/link"), "file");
    assert.equal(files.realPath("/link"), "/f");
    assert.equal(files.kind("/../f"), "file");
    files.makeFolder("/d/e");
    simulation.symlink("../../f", "/d/e/link");
    assert.equal(files.realPath("/d/e/link"), "/f");
    assert.equal(files.realPath("/d/e/../e/."), "/d/e");
    assert.equal(files.resolve("/a/../../f/."), "/f");
    assert.equal(files.resolve(new URL("file:///a%20b/")), "/a b");
    assert.equal(files.folderOf("/a/b"), "/a");
    assert.equal(files.folderOf("/a"), "/");
    assert.equal(files.kind("/"), "folder");
  });
});

describe("SimulatedProcess", limit, () => {
  test("a timer comes no sooner than a millisecond from now", limit, async () => {
    const simulation = new Simulation();
    const fired: number[] = [];
    simulation.process().setTimer(() => fired.push(simulation.clock.now()), 0);
    await simulation.run();
    assert.deepEqual(fired, [1]);
  });

  test("kill() frees its flocks, closes its files and stops its timers", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const file = a.files.open("/f", { create: true });
    assert(file.tryLock("exclusive"));
    file.write(Uint8Array.of(1), 0);
    let fired = false;
    a.setTimer(() => fired = true, 5);
    const other = b.files.open("/f", { create: false });
    assert.equal(other.tryLock("shared"), false);
    a.kill();
    assert.equal(other.tryLock("exclusive"), true);
    assert.deepEqual([a.state, a.descriptors, a.timers, b.state], ["killed", 0, 0, "running"]);
    await simulation.run();
    assert.equal(fired, false);
    assert.equal(other.size(), 1, "what it wrote the system has");
    a.kill();
  });

  test("the code of a killed process comes no further than its host", limit, () => {
    const simulation = new Simulation();
    const process = simulation.process("p");
    const file = process.files.open("/f", { create: true });
    const timer = process.setTimer(() => {}, 1);
    process.kill();
    const calls: (() => unknown)[] = [
      () => process.now(),
      () => process.random(),
      () => process.setTimer(() => {}, 1),
      () => process.clearTimer(timer),
      () => file.write(Uint8Array.of(1), 0),
      () => file.close(),
      () => process.files.open("/g", { create: true }),
      () => process.files.readFile("/f"),
      () => process.files.kind("/f"),
    ];
    for (const call of calls) assert.throws(call, ProcessEndedError, `${call}`);
    assert.equal(simulation.process().files.kind("/g"), undefined);
  });

  test("killed within a timer, it does not throw out of the clock", limit, async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    simulation.beforeStep = ({ process }) => process.kill();
    process.setTimer(() => void process.files.list("/"), 1);
    await simulation.run();
    assert.equal(process.state, "killed");
    const clumsy = simulation.process();
    clumsy.setTimer(() => {
      throw new Error("its own");
    }, 1);
    await assert.rejects(simulation.run(), /its own/);
  });

  test("a failed conversion drops the flock that was held", limit, () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()].map((process) =>
      process.files.open("/f", { create: true })
    );
    assert(a.tryLock("shared") && b.tryLock("shared"));
    assert.equal(a.tryLock("exclusive"), false);
    assert.deepEqual(simulation.locks("/f"), ["shared"]);
    assert.equal(b.tryLock("exclusive"), true);
    assert.deepEqual(simulation.locks("/f"), ["exclusive"]);
  });
});
