/**
 * `FileLock` between simulated processes: everything that depends on who comes when, and the bound
 * on starvation, in virtual time and so the same each time. Real processes are in
 * `tests/processes/`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type SimulatedProcess, Simulation } from "../../lab/worlds/simulation/mod.ts";
import { slotsOf } from "../../lib/_file_slots.ts";
import { withHost } from "../../lib/_host.ts";
import { FileLock, type FileLockOptions, type Guard, LockTimeoutError } from "../../mod.ts";

const limit = { timeout: 60_000 };
const PATH = "/lock";
const GATE = "/lock.interlock-gate";

function lockOf(process: SimulatedProcess, options?: FileLockOptions, path = PATH): FileLock {
  return withHost(process, () => new FileLock(path, options));
}

/** Lets nobody open a file. */
function refuse(simulation: Simulation, refused: string, code: string): void {
  simulation.beforeStep = ({ action, path }) => {
    if (action === "open" && path === refused) throw Object.assign(new Error(code), { code });
  };
}

/** Where a promise stands. */
function watch<T>(promise: Promise<T>): { state: string; value?: T; error?: Error } {
  const watched: { state: string; value?: T; error?: Error } = { state: "waits" };
  promise.then(
    (value) => Object.assign(watched, { state: "granted", value }),
    (error) => Object.assign(watched, { state: "rejected", error }),
  );
  return watched;
}

/** Fails if a process holds or plans anything that concerns the lock. */
function assertNothingLeft(simulation: Simulation, processes: SimulatedProcess[]): void {
  assert.deepEqual(simulation.locks(PATH), []);
  assert.deepEqual(simulation.locks(GATE), []);
  for (const process of processes) {
    assert.equal(process.timers, 0);
    assert(slotsOf(process).size <= 1);
  }
}

// The bound that FileLock's documentation states, with its names.
const m = 20;
const stay = (h: number) => 20 + 3 * h;
const alone = (h: number) => stay(h) + 2 * m;

/** Plain polled flock, as one writes it without thinking of others: the twin that starves. */
async function polled(process: SimulatedProcess, mode: "shared" | "exclusive"): Promise<Guard> {
  const file = process.files.open(PATH, { create: true });
  while (!file.tryLock(mode)) await process.sleep(1 + process.random() * (m - 1));
  const release = () => file.close();
  return { mode: "write", released: false, release, [Symbol.dispose]: release };
}

type Acquire = (
  process: SimulatedProcess,
  lock: FileLock,
  mode: "read" | "write",
) => Promise<Guard>;

const byFileLock: Acquire = (_, lock, mode) => lock[mode]();
const byPolling: Acquire = (process, _, mode) =>
  polled(process, mode === "read" ? "shared" : "exclusive");

/**
 * How long a writer waits, each time, while `count` processes are inside for 10 ms again and again,
 * overlapping so that between them someone always is.
 */
async function againstOverlappingReaders(seed: number, acquire: Acquire): Promise<number[]> {
  const simulation = new Simulation({ seed });
  const waits: number[] = [];
  let over = false;
  const readers = [0, 1, 2, 3].map(async (i) => {
    const process = simulation.process();
    const lock = lockOf(process);
    await process.sleep(3 * i);
    while (!over) {
      using _guard = await acquire(process, lock, "read");
      await process.sleep(8 + process.random() * 4);
    }
  });
  const writer = simulation.process();
  const lock = lockOf(writer);
  const write = async () => {
    await writer.sleep(15);
    while (!over) {
      const since = simulation.clock.now();
      using _guard = await acquire(writer, lock, "write");
      waits.push(simulation.clock.now() - since);
      await writer.sleep(1);
    }
  };
  const written = write();
  await simulation.run(3000);
  over = true;
  await simulation.run();
  await Promise.all([...readers, written]);
  return waits;
}

describe("FileLock: four overlapping reader processes against a writer", limit, () => {
  test("plain polling never lets the writer in while they read", limit, async () => {
    const waits = await againstOverlappingReaders(1, byPolling);
    assert.equal(waits.length, 1);
    assert(waits[0] > 2900, `it waited ${waits[0]} ms: until the readers were told to stop`);
  });

  test("FileLock lets it in within p + 2m, every time", limit, async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const waits = await againstOverlappingReaders(seed, byFileLock);
      assert(waits.length > 50, `seed ${seed}: only ${waits.length} rounds`);
      const longest = Math.max(...waits);
      assert(longest <= alone(12), `seed ${seed}: ${longest} ms`);
    }
  });
});

/**
 * How long a process waits, each time, for one whose tasks hand the lock on among themselves, each
 * inside for 1 ms.
 */
async function againstBusyProcess(seed: number, mode: "read" | "write"): Promise<number[]> {
  const simulation = new Simulation({ seed });
  let over = false;
  const busy = simulation.process();
  const lock = lockOf(busy);
  const tasks = [0, 1, 2].map(async (i) => {
    await busy.sleep(1 + i / 3);
    while (!over) {
      using _guard = await lock[mode]();
      await busy.sleep(1);
    }
  });
  const other = simulation.process();
  const waits: number[] = [];
  const poll = async () => {
    const lock = lockOf(other);
    await other.sleep(10);
    while (!over) {
      const since = simulation.clock.now();
      using _guard = await lock.write();
      waits.push(simulation.clock.now() - since);
      await other.sleep(1);
    }
  };
  const polling = poll();
  await simulation.run(2000);
  over = true;
  await simulation.run();
  await Promise.all([...tasks, polling]);
  return waits;
}

describe("FileLock: a busy process against another", limit, () => {
  for (const mode of ["write", "read"] as const) {
    test(`its tasks hand on their ${mode} lock, and give way within p + 2m`, limit, async () => {
      for (let seed = 1; seed <= 3; seed++) {
        const waits = await againstBusyProcess(seed, mode);
        assert(waits.length > 20, `seed ${seed}: only ${waits.length} rounds`);
        const longest = Math.max(...waits);
        assert(longest <= alone(1), `seed ${seed}: ${longest} ms`);
      }
    });
  }

  test("it gives way after 100 hand-offs, though no time has passed", limit, async () => {
    const simulation = new Simulation();
    const [busy, other] = [simulation.process(), simulation.process()];
    const lock = lockOf(busy);
    const first = await lock.write();
    const waits = watch(lockOf(other).write());
    let handedOn = 0;
    const tasks = Array.from({ length: 300 }, async () => {
      using _guard = await lock.write();
      handedOn++;
    });
    await simulation.settle();
    first.release();
    await simulation.settle();
    assert.equal(handedOn, 99, "the hundredth looks, and finds that another waits");
    assert.equal(waits.state, "waits");
    assert.deepEqual(simulation.locks(PATH), []);
    await simulation.run(m);
    assert.equal(waits.state, "granted");
    waits.value!.release();
    await simulation.run();
    await Promise.all(tasks);
    assert.equal(handedOn, 300);
    assertNothingLeft(simulation, [busy, other]);
  });

  test("it has all its hand-offs anew each time it got the lock", limit, async () => {
    const simulation = new Simulation();
    const [busy, other] = [simulation.process(), simulation.process()];
    const lock = lockOf(busy);
    for (let time = 0; time < 2; time++) {
      const first = await lock.write();
      const waits = watch(lockOf(other).write());
      let handedOn = 0;
      const tasks = Array.from({ length: 90 }, async () => {
        using _guard = await lock.write();
        handedOn++;
      });
      await simulation.settle();
      first.release();
      await simulation.settle();
      assert.equal(handedOn, 90);
      await Promise.all(tasks);
      await simulation.run(simulation.clock.now() + 100);
      waits.value!.release();
    }
  });

  test("query() does not show the place that it gives way with", limit, async () => {
    const simulation = new Simulation();
    const [busy, other] = [simulation.process(), simulation.process()];
    const lock = lockOf(busy);
    const first = await lock.read({ label: "first" });
    const waits = watch(lockOf(other).write());
    await simulation.settle();
    (await lock.read()).release();
    await simulation.run(25);
    const second = await lock.read({ label: "second" }); // finds that another waits
    const third = watch(lock.read({ label: "third" }));
    await simulation.settle();
    const labels = () => {
      const { holders, waiters } = lock.query();
      return [holders, waiters].map((list) => list.map(({ label }) => label));
    };
    assert.deepEqual(labels(), [["first", "second"], ["third"]]);
    first.release();
    second.release();
    assert.deepEqual(labels(), [[], ["third"]]);
    await simulation.run(25 + m);
    assert.equal(waits.state, "granted");
    assert.deepEqual(labels(), [[], ["third"]]);
    waits.value!.release();
    await simulation.run(25 + 3 * m);
    assert.deepEqual(labels(), [["third"], []]);
    third.value!.release();
    assertNothingLeft(simulation, [busy, other]);
  });

  test(
    "it hands on without asking the system while nobody else wants the lock",
    limit,
    async () => {
      const simulation = new Simulation();
      const lock = lockOf(simulation.process());
      const first = await lock.write();
      let flocks = 0;
      simulation.beforeStep = ({ action }) => void (flocks += action === "lock" ? 1 : 0);
      const rest = Array.from({ length: 50 }, async () => (await lock.write()).release());
      first.release();
      await Promise.all(rest);
      assert.equal(flocks, 0);
      assert.deepEqual(simulation.locks(PATH), [], "the last one out let go");
    },
  );

  test("its tryWrite() in a loop does not keep out one who waits at the gate", limit, async () => {
    const simulation = new Simulation();
    const [busy, other] = [simulation.process(), simulation.process()];
    const lock = lockOf(busy);
    let held = lock.tryWrite();
    const waits = watch(lockOf(other).write());
    await simulation.settle();
    held!.release();
    assert.equal(lock.tryWrite(), undefined, "free at this moment, but promised");
    assert.equal(lock.tryRead(), undefined);
    await simulation.run(m);
    assert.equal(waits.state, "granted");
    waits.value!.release();
    held = lock.tryWrite();
    assert.equal(held?.mode, "write");
  });
});

test(
  "FileLock among n processes: waits beyond 7n(p + 2m) are rarer than one in a thousand",
  limit,
  async () => {
    const n = 6;
    const h = 5;
    let waits = 0;
    let long = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const simulation = new Simulation({ seed });
      let over = false;
      const all = Array.from({ length: n }, async () => {
        const process = simulation.process();
        const lock = lockOf(process);
        while (!over) {
          const since = simulation.clock.now();
          using _guard = await lock.write();
          waits++;
          if (simulation.clock.now() - since > 7 * n * alone(h)) long++;
          await process.sleep(h * process.random());
        }
      });
      await simulation.run(5000);
      over = true;
      await simulation.run();
      await Promise.all(all);
    }
    assert(waits > 3000, `${waits}`);
    assert(long <= waits / 1000, `${long} of ${waits}`);
  },
);

/** The points at which an acquire can be waiting, and how it gets there. */
const STAGES: Record<string, (lock: FileLock, others: FileLock[]) => Promise<Guard[]>> = {
  "in the queue of its process": async (lock) => [await lock.write()],
  "at the gate, for a writer of another process": async (_, [a, b]) => {
    const guard = await a.write();
    void b.write().then((guard) => guard.release());
    await null;
    return [guard];
  },
  "for the lock, with the gate": async (_, [a]) => [await a.write()],
  "for the lock, behind readers": async (_, [a, b]) => [await a.read(), await b.read()],
};

describe("FileLock: a wait that ends early leaves nothing behind", limit, () => {
  for (const [stage, prepare] of Object.entries(STAGES)) {
    for (const way of ["timeout", "abort"] as const) {
      test(`${way}, waiting ${stage}`, limit, async () => {
        for (const at of [0.5, 1, 7, 50]) {
          const simulation = new Simulation({ seed: at });
          const processes = [simulation.process(), simulation.process(), simulation.process()];
          const [lock, ...others] = processes.map((process) => lockOf(process));
          const held = await prepare(lock, others);
          await simulation.settle();
          const controller = new AbortController();
          const options = way === "timeout" ? { timeout: at } : { signal: controller.signal };
          const ended = watch(lock.write(options));
          const behind = watch(lock.read());
          await simulation.run(at);
          assert.equal(ended.state, way === "timeout" && at >= 1 ? "rejected" : "waits");
          controller.abort(new Error("enough"));
          await simulation.run(Math.ceil(at));
          assert.equal(ended.state, "rejected");
          assert(
            way === "timeout"
              ? ended.error instanceof LockTimeoutError
              : ended.error?.message === "enough",
          );
          for (const guard of held) guard.release();
          await simulation.run(simulation.clock.now() + 3 * m);
          assert.equal(behind.state, "granted", "who came after it is let in");
          behind.value!.release();
          await simulation.run();
          assertNothingLeft(simulation, processes);
        }
      });
    }
  }

  test("abort of a signal that 1,000 parked readers share", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const held = await lockOf(b).write();
    const lock = lockOf(a);
    const controller = new AbortController();
    const { signal } = controller;
    const waits = Array.from({ length: 1000 }, () => watch(lock.read({ signal })));
    const patient = watch(lock.read());
    await simulation.run(30);
    assert.equal(a.timers, 1, "they share one timer");
    controller.abort();
    await simulation.settle();
    assert(waits.every(({ state }) => state === "rejected"));
    held.release();
    await simulation.run(60);
    assert.equal(patient.state, "granted");
    patient.value!.release();
    assertNothingLeft(simulation, [a, b]);
  });

  test("a reader that gives up while others of its process wait with it", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const held = await lockOf(b).write();
    const lock = lockOf(a);
    const first = watch(lock.read({ timeout: 5 }));
    const second = watch(lock.read({ timeout: 200 }));
    await simulation.run(10);
    assert.equal(first.state, "rejected");
    held.release();
    await simulation.run(100);
    assert.equal(second.state, "granted", "the one whose wait was begun first is not needed");
    second.value!.release();
    await simulation.run();
    assertNothingLeft(simulation, [a, b]);
  });

  test("a task that gives up in the very turn in which another hands on", limit, async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    const lock = lockOf(process);
    const controller = new AbortController();
    const held = await lock.write();
    const waits = watch(lock.write({ signal: controller.signal }));
    await simulation.settle();
    controller.abort();
    held.release(); // keeps the flock for one that is no longer there
    await simulation.settle();
    assert.equal(waits.state, "rejected");
    assertNothingLeft(simulation, [process]);
  });

  test("abort between the grant by its process and the question to the others", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const lock = lockOf(a);
    const held = await lock.write();
    const other = watch(lockOf(b).write()); // waits at the gate, so the next of `a` has to wait
    const controller = new AbortController();
    const waits = watch(lock.read({ signal: controller.signal }));
    await simulation.settle();
    held.release();
    controller.abort(new Error("enough"));
    await simulation.run(m);
    assert.equal(waits.error?.message, "enough");
    assert.equal(other.state, "granted");
    other.value!.release();
    assertNothingLeft(simulation, [a, b]);
  });

  test("a timeout of 0 ends it before any time has passed", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const held = await lockOf(a).write();
    const ended = [watch(lockOf(a).write({ timeout: 0 })), watch(lockOf(b).read({ timeout: 0 }))];
    await simulation.settle();
    for (const { error } of ended) assert(error instanceof LockTimeoutError);
    held.release();
    assertNothingLeft(simulation, [a, b]);
  });

  test("the timeout is that of the whole wait, at whatever point it passes", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const lock = lockOf(a);
    const held = await lock.write();
    const other = watch(lockOf(b).write());
    const waits = watch(lock.read({ timeout: 50 })); // not kept for: it is another mode
    await simulation.run(30);
    held.release();
    await simulation.run(49);
    assert.equal(waits.state, "waits", "now for the other process");
    await simulation.run(50);
    assert.equal((waits.error as LockTimeoutError).waited, 50);
    other.value!.release();
    assertNothingLeft(simulation, [a, b]);
  });

  test("no listener stays on a signal, whether it came to a lock or not", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const lock = lockOf(a);
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const held = await lockOf(b).write();
    const options = { signal, timeout: 500 };
    const waits = [watch(lock.write(options)), watch(lock.read(options))];
    const looks = watch(lock.waitForUnlock(options));
    const late = watch(lock.waitForUnlock({ signal, timeout: 10 }));
    await simulation.run(20);
    assert.equal(late.state, "rejected");
    assert.equal(listeners, 1, "they share one");
    held.release();
    await simulation.run(60);
    waits[0].value!.release();
    await simulation.run(61);
    waits[1].value!.release();
    await simulation.run(100);
    assert.equal(looks.state, "granted");
    assert.equal(listeners, 0);
    assertNothingLeft(simulation, [a, b]);
    const again = await lock.write();
    const aborted = watch(lock.waitForUnlock(options));
    await simulation.run(150);
    controller.abort();
    await simulation.settle();
    assert.equal(aborted.state, "rejected");
    assert.equal(listeners, 0);
    again.release();
    assertNothingLeft(simulation, [a, b]);
  });
});

describe("FileLock: granted wins over aborted", limit, () => {
  test("abort between the grant by the system and the continuation", limit, async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const held = await lockOf(b).write();
    const controller = new AbortController();
    const lock = lockOf(a);
    const waits = watch(lock.write({ signal: controller.signal, timeout: 1000 }));
    await simulation.settle();
    held.release();
    simulation.clock.advance(); // the flock is had here
    controller.abort();
    await simulation.settle();
    assert.equal(waits.state, "granted");
    assert.deepEqual(simulation.locks(PATH), ["exclusive"]);
    waits.value!.release();
    assertNothingLeft(simulation, [a, b]);
  });

  test("abort between the hand-off and the continuation loses no lock", limit, async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    const lock = lockOf(process);
    const controller = new AbortController();
    const held = await lock.write();
    const waits = watch(lock.write({ signal: controller.signal }));
    const next = watch(lock.write());
    await simulation.settle();
    held.release();
    controller.abort();
    await simulation.settle();
    assert.equal(waits.state, "granted");
    waits.value!.release();
    await simulation.settle();
    assert.equal(next.state, "granted");
    next.value!.release();
    assertNothingLeft(simulation, [process]);
  });
});

describe("FileLock: a process that dies", limit, () => {
  test("frees its lock at once: one that waits has it within retry.max", limit, async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const simulation = new Simulation({ seed });
      const [a, b] = [simulation.process(), simulation.process()];
      await lockOf(a).write();
      const waits = watch(lockOf(b).write());
      await simulation.run(seed * 7);
      a.kill();
      await simulation.run(seed * 7 + m);
      assert.equal(waits.state, "granted", `seed ${seed}`);
    }
  });

  test("frees the gate it held: those behind it are not shut out", limit, async () => {
    const simulation = new Simulation();
    const processes = [1, 2, 3].map(() => simulation.process());
    const [a, b, c] = processes.map((process) => lockOf(process));
    const held = await a.write();
    void b.write();
    await simulation.run(30);
    assert.deepEqual(simulation.locks(GATE), ["exclusive"]);
    const waits = watch(c.write());
    processes[1].kill();
    held.release();
    await simulation.run(30 + 2 * m);
    assert.equal(waits.state, "granted");
  });
});

test(
  "FileLock readers of several processes that one writer kept out enter together",
  limit,
  async () => {
    const simulation = new Simulation();
    const processes = Array.from({ length: 5 }, () => simulation.process());
    const [writer, ...readers] = processes.map((process) => lockOf(process));
    const held = await writer.write();
    const waits = readers.map((lock) => watch(lock.read()));
    await simulation.run(100);
    held.release();
    await simulation.run(100 + m);
    assert.deepEqual(waits.map(({ state }) => state), Array(4).fill("granted"));
  },
);

test(
  "FileLock waits without asking often: a second of waiting costs at most 150 questions",
  limit,
  async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    await lockOf(a).write();
    const waits = watch(lockOf(b).write());
    await simulation.settle();
    let questions = 0;
    while (simulation.clock.now() < 1000) {
      await simulation.run(simulation.clock.next);
      questions++;
    }
    assert.equal(waits.state, "waits");
    assert(questions <= 150, `${questions}`);
  },
);

test(
  "FileLock never throws from a timer: what goes wrong there rejects those who wait",
  limit,
  async () => {
    const simulation = new Simulation();
    const [a, b] = [simulation.process(), simulation.process()];
    const held = await lockOf(a).write();
    const lock = lockOf(b);
    const waits = [watch(lock.read()), watch(lock.read())];
    await simulation.run(5);
    simulation.process("someone").files.remove(GATE);
    refuse(simulation, GATE, "EACCES");
    await simulation.run(5 + m);
    for (const { error } of waits) {
      assert.match(`${error}`, /gate cannot be opened: there is no permission to write it$/);
    }
    simulation.beforeStep = undefined;
    held.release();
    assertNothingLeft(simulation, [a, b]);
    using guard = lock.tryWrite();
    assert.equal(guard?.mode, "write");
  },
);

test("FileLock names the file and the reason when there is no permission", limit, async () => {
  const simulation = new Simulation();
  const lock = lockOf(simulation.process());
  for (const [code, reason] of [["EACCES", "no permission"], ["EROFS", "read-only"], ["X", "X"]]) {
    refuse(simulation, PATH, code);
    await assert.rejects(lock.write(), new RegExp(`^Error: Cannot lock /lock: .*${reason}`));
    assert.throws(() => lock.tryRead(), new RegExp(reason));
  }
});

test(
  "FileLock turns to a new gate when its own was removed, and is fair there again",
  limit,
  async () => {
    const simulation = new Simulation();
    const processes = [1, 2, 3].map(() => simulation.process());
    const [a, b, c] = processes.map((process) => lockOf(process));
    const held = await a.write();
    const waits = [watch(b.write())];
    await simulation.run(5);
    simulation.process("someone").files.remove(GATE);
    await simulation.run(5 + m);
    assert.deepEqual(simulation.locks(GATE), ["exclusive"], "it waits at the new one");
    assert.equal(processes[1].descriptors, 2, "and has closed the old one");
    waits.push(watch(c.write()));
    await simulation.settle();
    held.release();
    await simulation.run(5 + 2 * m);
    assert.deepEqual(waits.map(({ state }) => state), ["granted", "waits"]);
  },
);

test(
  "FileLock on a path that leads elsewhere each time says so instead of trying for ever",
  limit,
  async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    const lock = lockOf(process);
    const { files } = process;
    let inode = 100;
    const identify = files.identify;
    files.identify = (path) => ({ ...identify(path)!, ino: inode++ });
    await assert.rejects(lock.write(), /Cannot lock \/lock: it leads to another file each time/);
    assert.equal(process.descriptors, 0);
  },
);

test("FileLock objects on 100,000 files hold 128 descriptors and no timer", limit, () => {
  const simulation = new Simulation();
  const process = simulation.process();
  for (let i = 0; i < 100_000; i++) {
    const lock = lockOf(process, undefined, `/${i}`);
    lock.tryWrite()!.release();
    if (i % 3 === 0) lock.close();
    assert(process.descriptors <= 128);
  }
  assert.equal(process.timers, 0);
  assert(slotsOf(process).size <= 64);
});

test("FileLock objects in use raise the number of files that are kept open", limit, () => {
  const simulation = new Simulation();
  const process = simulation.process();
  const held = Array.from({ length: 100 }, (_, i) => lockOf(process, {}, `/${i}`).tryWrite()!);
  let most = 0;
  for (let i = 100; i < 1000; i++) {
    lockOf(process, {}, `/${i}`).tryWrite()!.release();
    most = Math.max(most, slotsOf(process).size);
  }
  assert(most <= 2 * held.length);
  assert(most > held.length + 40, "not all idle ones were closed each time");
  for (const guard of held) guard.release();
});

test("FileLock objects that were all in use hold 128 descriptors afterwards", limit, async () => {
  for (const used of [65, 100, 129, 1000]) {
    const simulation = new Simulation();
    const process = simulation.process();
    const locks = Array.from({ length: used }, (_, i) => lockOf(process, {}, `/${i}`));
    const all = () => Promise.all(locks.map((lock) => lock.write()));
    for (const guard of await all()) guard.release();
    assert(process.descriptors <= 128, `${process.descriptors} for ${used}`);
    const guards = await all();
    // Others come and go meanwhile, and the last of them outlast some.
    for (const [i, guard] of guards.entries()) {
      if (i % 3 !== 0) guard.release();
      if (i % 7 === 0) lockOf(process, {}, `/other ${i}`).tryRead()!.release();
    }
    for (const guard of guards.reverse()) guard.release();
    assert(process.descriptors <= 128, `${process.descriptors} for ${used}`);
  }
});
