/** `Snapshots.changed()`: waiting for a later version. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { runCommand, runtimes } from "../../lab/worlds/_runtimes.ts";
import { type ChangeOptions, ChangeTimeoutError, Snapshots } from "../../mod.ts";
import { FakeHost, outcome, settle } from "../_fake_host.ts";
import { leastGrowth } from "../_garbage.ts";
import { Folder } from "./_folder.ts";
import { writeFileSync } from "node:fs";

const timeout = 30_000;

function create(): { host: FakeHost; snapshots: Snapshots<number> } {
  const host = new FakeHost();
  return { host, snapshots: host.build(() => new Snapshots(0, { label: "prices" })) };
}

/** Commits so many times. */
function commit(snapshots: Snapshots<number>, times = 1): void {
  for (let i = 0; i < times; i++) snapshots.commit(snapshots.epoch, snapshots.current + 1);
}

describe("Snapshots.changed()", { timeout }, () => {
  test("Snapshots.changed() resolves with the first epoch after the given one", {
    timeout,
  }, async () => {
    const { snapshots, host } = create();
    const next = snapshots.changed(0);
    const later = snapshots.changed(2);
    assert.equal(await outcome(next), "pending");
    assert.equal(await snapshots.update((value) => value + 1), 1);
    assert.equal(await next, 1);
    assert.equal(await snapshots.update((value) => value + 1), 2);
    assert.equal(await outcome(later), "pending");
    // It is told what came first, though more has come by the time it runs on.
    commit(snapshots, 2);
    assert.equal(await later, 3);
    assert.deepEqual([snapshots.stats().watchers, host.timers, host.set], [0, 0, 0]);
  });

  test("Snapshots.changed() resolves at once if a later version is current", {
    timeout,
  }, async () => {
    const { snapshots } = create();
    commit(snapshots, 3);
    for (const since of [0, 1, 2]) assert.equal(await outcome(snapshots.changed(since)), 3);
    assert.equal(await outcome(snapshots.changed(2, { timeout: 0 })), 3);
    assert.equal(await outcome(snapshots.changed(3)), "pending");
  });

  test("an update that fails is no change", { timeout }, async () => {
    const { snapshots } = create();
    const change = snapshots.changed(0);
    await outcome(snapshots.update(() => Promise.reject("no")));
    assert.throws(() => snapshots.commit(7, 1));
    assert.equal(await outcome(change), "pending");
    commit(snapshots);
    assert.equal(await change, 1);
  });

  test(
    "what waits is told before onRetire, which may commit in its turn",
    { timeout },
    async () => {
      const seen: number[] = [];
      const snapshots: Snapshots<number> = new Snapshots(0, {
        onRetire(_, epoch) {
          if (epoch === 0) snapshots.commit(1, 2);
        },
      });
      const waits = [0, 1].map((since) =>
        snapshots.changed(since).then((epoch) => seen.push(epoch))
      );
      commit(snapshots);
      await Promise.all(waits);
      assert.deepEqual([seen, snapshots.epoch], [[1, 2], 2]);
    },
  );

  test("a wait that times out says since when nothing came, and leaves nothing", {
    timeout,
  }, async () => {
    const { snapshots, host } = create();
    commit(snapshots, 4);
    const late = snapshots.changed(4, { timeout: 30 });
    host.advance(29);
    assert.equal(await outcome(late), "pending");
    host.advance(1);
    const error = await outcome(late);
    assert(error instanceof ChangeTimeoutError);
    assert.deepEqual([error.name, error.since, error.waited], ["ChangeTimeoutError", 4, 30]);
    assert.equal(
      error.message,
      "Cannot see a change of prices within 30 ms: nothing came after epoch 4",
    );
    const atOnce = await outcome(snapshots.changed(4, { timeout: 0 }));
    assert(atOnce instanceof ChangeTimeoutError);
    assert.deepEqual([atOnce.waited, snapshots.stats().watchers, host.timers], [0, 0, 0]);
    commit(snapshots);
  });

  test("a wait ends with the reason of its signal, and leaves nothing", { timeout }, async () => {
    const { snapshots, host } = create();
    const { signal, controller, listeners } = counted();
    const waits = [0, 0, 5].map((since) => snapshots.changed(since, { signal, timeout: 50 }));
    const stays = snapshots.changed(0);
    await settle();
    assert.deepEqual([listeners(), host.timers, snapshots.stats().watchers], [1, 1, 4]);
    const reason = new Error("enough");
    controller.abort(reason);
    for (const wait of waits) assert.equal(await outcome(wait), reason);
    assert.deepEqual([listeners(), host.timers, snapshots.stats().watchers], [0, 0, 1]);
    // Also where it need not have waited.
    commit(snapshots);
    assert.equal(await stays, 1);
    assert.equal(await outcome(snapshots.changed(0, { signal })), reason);
  });

  test("a wait that is served by what another does on the same abort is told of the change", {
    timeout,
  }, async () => {
    const { snapshots } = create();
    const controller = new AbortController();
    const { signal } = controller;
    // Its listener is called in the midst of the abort, before the wait's turn to end.
    const update = new Snapshots(0).update((_, context) => {
      context.signal.addEventListener("abort", () => commit(snapshots));
      return new Promise<never>(() => {});
    }, { signal });
    await settle();
    const waits = [snapshots.changed(0, { signal }), snapshots.changed(1, { signal })];
    controller.abort("stop");
    assert.equal(await outcome(update), "stop");
    assert.deepEqual(await Promise.all(waits.map(outcome)), [1, "stop"]);
    assert.equal(snapshots.stats().watchers, 0);
  });

  test("a wait that is served takes its timer and its listener off", { timeout }, async () => {
    const { snapshots, host } = create();
    const { signal, controller, listeners } = counted();
    const wait = snapshots.changed(0, { signal, timeout: 50 });
    commit(snapshots);
    controller.abort("too late");
    host.advance(100);
    assert.equal(await wait, 1, "served wins over aborted and over timed out");
    assert.deepEqual([listeners(), host.timers], [0, 0]);
  });

  test("20,000 that wait for as many epochs share a timer and a listener, and each is told once", {
    timeout,
  }, async () => {
    const { snapshots, host } = create();
    const { signal, listeners } = counted();
    const count = 20_000;
    let told = 0;
    const waits = Array.from({ length: count }, async (_, since) => {
      assert.equal(await snapshots.changed(since, { signal, timeout: 1000 }), since + 1);
      told++;
    });
    await settle();
    assert.deepEqual([snapshots.stats().watchers, host.timers, listeners()], [count, 1, 1]);
    commit(snapshots, count - 1);
    await settle();
    assert.deepEqual([told, snapshots.stats().watchers], [count - 1, 1]);
    commit(snapshots);
    await Promise.all(waits);
    assert.deepEqual([told, host.timers, listeners()], [count, 0, 0]);
  });

  test("20,000 that wait for as many epochs leave no memory behind, served or timed out", {
    timeout,
  }, async () => {
    const { snapshots, host } = create();
    const { signal } = counted();
    let future = 1e9;
    const round = async () => {
      const { epoch } = snapshots;
      const waits = Array.from({ length: 20_000 }, (_, i) => {
        const since = i < 10_000 ? epoch + i : future++;
        return snapshots.changed(since, { signal, timeout: 1000 }).catch(() => -1);
      });
      await settle();
      commit(snapshots, 10_000);
      host.advance(1000);
      const told = await Promise.all(waits);
      assert.equal(told.filter((epoch) => epoch === -1).length, 10_000);
    };
    const grown = await leastGrowth(round);
    assert(grown < 0.5, `${grown} MB`);
    assert.deepEqual([snapshots.stats().watchers, host.timers], [0, 0]);
  });

  test("Snapshots.changed() refuses what cannot be meant", { timeout }, async () => {
    const { snapshots, host } = create();
    const bad: [unknown, unknown, RegExp][] = [
      ["0", {}, /^TypeError: Cannot wait for a change: an epoch must be a number, got "0"$/],
      [-1, {}, /^RangeError: Cannot wait for a change: an epoch is a whole number .* got -1$/],
      [0.5, {}, /^RangeError: .* got 0.5$/],
      [NaN, {}, /^RangeError: .* got NaN$/],
      [0, null, /^TypeError: Cannot wait for a change: options must be an object, got null$/],
      [0, { timeout: -1 }, /^RangeError: .* timeout must be 0 or more .* got -1$/],
      [0, { signal: 1 }, /^TypeError: .* signal must be an AbortSignal, got 1$/],
    ];
    for (const [since, options, message] of bad) {
      const change = snapshots.changed(since as number, options as ChangeOptions);
      assert.match(String(await outcome(change)), message);
    }
    assert.deepEqual([snapshots.stats().watchers, host.timers], [0, 0]);
  });
});

/** A signal that tells how many listeners it has. */
function counted() {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count--;
    removeEventListener.apply(signal, args);
  };
  return { controller, signal, listeners: () => count };
}

test("Snapshots.changed() keeps a process alive while it has a timeout to run, and no longer", {
  timeout: 60_000,
}, () => {
  using folder = new Folder();
  const program = folder.at("program.ts");
  const run = (code: string) => {
    const core = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);
    writeFileSync(
      program,
      `import { Snapshots } from ${core};
       const since = performance.now();
       const snapshots = new Snapshots(0);
       const told = (how: string) => () => console.log(how, performance.now() - since);
       ${code}`,
    );
    return runtimes().map((runtime) => {
      const { command, args } = runCommand(runtime, new URL(`file://${program}`).href, []);
      const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      const [how, ms] = stdout.trim().split(" ");
      return { how, ms: Number(ms) };
    });
  };
  for (const { how } of run(`snapshots.changed(0).then(told("changed"), told("failed"));`)) {
    assert.equal(how, "", "nothing else is alive: nothing will be committed");
  }
  const late = `snapshots.changed(0, { timeout: 300 }).catch(told("timed-out"));`;
  for (const { how, ms } of run(late)) {
    assert.equal(how, "timed-out");
    assert(ms >= 299, `after ${ms} ms`);
  }
  // With a timer left behind these would go on for an hour, and this test would end them.
  const ended = `snapshots.changed(0, { timeout: 3_600_000 }).then(told("changed"));
    snapshots.commit(0, 1);`;
  for (const { how } of run(ended)) assert.equal(how, "changed");
  const aborted = `const controller = new AbortController();
    snapshots.changed(0, { timeout: 3_600_000, signal: controller.signal }).catch(told("aborted"));
    setTimeout(() => controller.abort(), 10);`;
  for (const { how } of run(aborted)) assert.equal(how, "aborted");
});
