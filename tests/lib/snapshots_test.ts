import { describe, test } from "node:test";
import assert from "node:assert/strict";
import {
  ConflictError,
  LockTimeoutError,
  type Pin,
  Snapshots,
  type SnapshotsOptions,
  UpdateLimitError,
  type UpdateOptions,
} from "../../mod.ts";
import { collectThrown, FakeHost, outcome, settle } from "../_fake_host.ts";

const timeout = 20_000;

interface Setup {
  host: FakeHost;
  snapshots: Snapshots<string>;
  /** Each retired version, as `epoch:value`. */
  retired: string[];
}

function create(options?: SnapshotsOptions<string>): Setup {
  const host = new FakeHost();
  const retired: string[] = [];
  const onRetire = (value: string, epoch: number) => void retired.push(`${epoch}:${value}`);
  const snapshots = host.build(() => new Snapshots<string>("a", { onRetire, ...options }));
  return { host, snapshots, retired };
}

function state(snapshots: Snapshots<string>): string {
  return `${snapshots.epoch}:${snapshots.current}`;
}

/** An update whose function ends when the test says so. */
class Held {
  readonly done: Promise<number>;
  readonly finish: (next: string) => void;
  readonly fail: (error: unknown) => void;
  given: string | undefined;
  signal: AbortSignal | undefined;

  constructor(snapshots: Snapshots<string>, options?: UpdateOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.finish = resolve;
    this.fail = reject;
    this.done = snapshots.update((value, { epoch, signal }) => {
      this.given = `${epoch}:${value}`;
      this.signal = signal;
      return promise;
    }, options);
    this.done.catch(() => {});
  }
}

describe("Snapshots: reading", { timeout }, () => {
  test("Snapshots starts with its first value at epoch 0", { timeout }, () => {
    const { snapshots } = create();
    assert.deepEqual([snapshots.current, snapshots.epoch], ["a", 0]);
  });

  test("readers never wait, whatever a writer does", { timeout }, async () => {
    const { snapshots } = create();
    const held = new Held(snapshots);
    const queued = snapshots.update(() => "c");
    await settle();
    // All of this is synchronous, while one writer runs and another waits.
    using pin = snapshots.pin();
    assert.deepEqual([snapshots.current, pin.value, pin.epoch], ["a", "a", 0]);
    assert.equal(snapshots.view((value, epoch) => `${epoch}:${value}`), "0:a");
    held.finish("b");
    assert.equal(await held.done, 1);
    assert.equal(await queued, 2);
    assert.deepEqual([pin.value, pin.epoch, state(snapshots)], ["a", 0, "2:c"]);
  });

  test("Pin knows its label, and cannot be read once disposed of", { timeout }, () => {
    const { snapshots } = create();
    const pin = snapshots.pin("report");
    assert.deepEqual([pin.label, snapshots.pin().label], ["report", undefined]);
    pin[Symbol.dispose]();
    assert.throws(() => pin.value, {
      name: "TypeError",
      message: "Cannot read version 0: its pin has been disposed of",
    });
    assert.equal(pin.epoch, 0);
  });

  test("Snapshots.view() pins around its function, also when that is async or throws", {
    timeout,
  }, async () => {
    const { snapshots, retired } = create();
    const { promise, resolve } = Promise.withResolvers<void>();
    const later = snapshots.view(async (value) => {
      await promise;
      return value;
    });
    assert.equal(await snapshots.update(() => "b"), 1);
    assert.deepEqual(retired, []);
    resolve();
    assert.equal(await later, "a");
    assert.deepEqual(retired, ["0:a"]);

    const error = new Error("reader");
    assert.throws(() =>
      snapshots.view(() => {
        throw error;
      }), error);
    assert.equal(await outcome(snapshots.view(() => Promise.reject(error))), error);
    const thrower = {
      get then() {
        throw error;
      },
    };
    assert.throws(() => snapshots.view(() => thrower), error);
    await snapshots.update(() => "c");
    assert.deepEqual(retired, ["0:a", "1:b"]);
  });

  test("Snapshots.view() waits for whatever `await` waits for", { timeout }, async () => {
    const { snapshots } = create();
    for (const shape of [{}, () => {}]) {
      const gate = Promise.withResolvers<string>();
      const then = (resolve: (value: string) => void) => void gate.promise.then(resolve);
      const view = snapshots.view(() => Object.assign(shape, { then }));
      assert.equal(snapshots.stats().readers, 1);
      gate.resolve("seen");
      assert.equal(await view, "seen");
      assert.equal(snapshots.stats().readers, 0);
    }
  });
});

describe("Snapshots: retiring", { timeout }, () => {
  test("a version that nobody pins is retired when the next is committed", {
    timeout,
  }, async () => {
    const { snapshots, retired } = create();
    await snapshots.update(() => "b");
    snapshots.commit(1, "c");
    assert.deepEqual(retired, ["0:a", "1:b"]);
  });

  test("a pinned version is retired once, when the last of its pins goes", {
    timeout,
  }, async () => {
    const { snapshots, retired } = create();
    const pins = [snapshots.pin(), snapshots.pin()];
    snapshots.commit(0, "b");
    const later = snapshots.pin();
    snapshots.commit(1, "c");
    pins[0][Symbol.dispose]();
    pins[0][Symbol.dispose]();
    assert.deepEqual(retired, []);
    pins[1][Symbol.dispose]();
    assert.deepEqual(retired, ["0:a"]);
    later[Symbol.dispose]();
    later[Symbol.dispose]();
    assert.deepEqual(retired, ["0:a", "1:b"]);
    await settle();
  });

  test("the current version is not retired when its pins go", { timeout }, () => {
    const { snapshots, retired } = create();
    snapshots.pin()[Symbol.dispose]();
    snapshots.pin()[Symbol.dispose]();
    assert.deepEqual(retired, []);
    snapshots.commit(0, "b");
    assert.deepEqual(retired, ["0:a"]);
  });

  test("an onRetire that throws is heard of, and the commit stands", { timeout }, () => {
    const error = new Error("observer");
    const { snapshots } = create({
      onRetire() {
        throw error;
      },
    });
    const thrown = collectThrown(() => assert.equal(snapshots.commit(0, "b"), 1));
    assert.deepEqual([thrown, state(snapshots)], [[error], "1:b"]);
    const pin = snapshots.pin();
    snapshots.commit(1, "c");
    assert.deepEqual(collectThrown(() => pin[Symbol.dispose]()), [error]);
    assert.equal(state(snapshots), "2:c");
  });

  test("an onRetire may commit and pin", { timeout }, () => {
    const retired: string[] = [];
    const pins: Pin<string>[] = [];
    const { snapshots } = create({
      onRetire(value, epoch) {
        retired.push(`${epoch}:${value}`);
        pins.push(snapshots.pin());
        if (epoch < 3) snapshots.commit(snapshots.epoch, `after ${value}`);
      },
    });
    // Epoch 1 was pinned while 0 retired, so the commit inside retires nothing more.
    assert.equal(snapshots.commit(0, "b"), 1);
    assert.deepEqual([retired, state(snapshots)], [["0:a"], "2:after a"]);
    pins[0][Symbol.dispose]();
    assert.deepEqual([retired, state(snapshots)], [["0:a", "1:b"], "3:after b"]);
  });
});

describe("Snapshots: updating", { timeout }, () => {
  test("Snapshots.update() answers the new epoch, and takes turns in order", {
    timeout,
  }, async () => {
    const { snapshots } = create();
    const epochs = await Promise.all(
      Array.from("bcdefgh", (letter) =>
        snapshots.update(async (value, { epoch }) => {
          await settle();
          return `${value}${letter}${epoch}`;
        })),
    );
    assert.deepEqual(epochs, [1, 2, 3, 4, 5, 6, 7]);
    assert.equal(state(snapshots), "7:ab0c1d2e3f4g5h6");
  });

  test("an update that answers the value it was given is a commit too", {
    timeout,
  }, async () => {
    const { snapshots, retired } = create();
    assert.equal(await snapshots.update((value) => value), 1);
    assert.deepEqual([state(snapshots), retired], ["1:a", ["0:a"]]);
  });

  test("an update that throws or rejects changes nothing, and the next one runs", {
    timeout,
  }, async () => {
    const { snapshots, retired } = create();
    const error = new Error("writer");
    const throwing = snapshots.update(() => {
      throw error;
    });
    const rejecting = snapshots.update(() => Promise.reject(error));
    const next = snapshots.update((value) => `${value}b`);
    assert.deepEqual([await outcome(throwing), await outcome(rejecting)], [error, error]);
    assert.equal(await next, 1);
    assert.deepEqual([state(snapshots), retired], ["1:ab", ["0:a"]]);
  });

  test("timeout bounds the waiting, and not the running", { timeout }, async () => {
    const { snapshots, host } = create({ label: "prices" });
    const held = new Held(snapshots, { label: "import", timeout: 10 });
    await settle();
    const queued = snapshots.update(() => "c", { timeout: 10 });
    host.advance(50);
    const error = await outcome(queued);
    assert(error instanceof LockTimeoutError);
    assert.match(error.message, /^Cannot write-lock prices within 10 ms: .*\(import\)$/);
    held.finish("b");
    assert.deepEqual([await held.done, state(snapshots), host.timers], [1, "1:b", 0]);
  });

  test("timeout 0 writes only if nobody does", { timeout }, async () => {
    const { snapshots } = create();
    assert.equal(await snapshots.update(() => "b", { timeout: 0 }), 1);
    const held = new Held(snapshots);
    assert(
      (await outcome(snapshots.update(() => "d", { timeout: 0 }))) instanceof LockTimeoutError,
    );
    held.finish("c");
    assert.equal(await held.done, 2);
  });

  test("a passed limit leaves everything as it was, and lets the next writer start there", {
    timeout,
  }, async () => {
    const { snapshots, host, retired } = create();
    const held = new Held(snapshots, { limit: 30, label: "import" });
    const next = new Held(snapshots);
    await settle();
    host.advance(29);
    assert.equal(await outcome(held.done), "pending");
    host.advance(1);
    const error = await outcome(held.done);
    assert(error instanceof UpdateLimitError);
    assert.match(error.message, /update import: .* limit of 30 ms$/);
    assert.equal(held.signal!.reason, error);
    assert.deepEqual([state(snapshots), next.given, host.timers], ["0:a", "0:a", 0]);
    // The result that comes late is refused, before the next commit and after it.
    held.finish("late");
    await settle();
    assert.equal(state(snapshots), "0:a");
    next.finish("b");
    assert.deepEqual([await next.done, state(snapshots), retired], [1, "1:b", ["0:a"]]);
  });

  test("a function that kept the thread past its limit is refused too", {
    timeout,
  }, async () => {
    const { snapshots, host } = create();
    const blocking = snapshots.update(() => {
      // As if a loop had taken 31 ms: the timer has had no chance to fire.
      const { now } = host;
      host.now = () => now.call(host) + 31;
      return "b";
    }, { limit: 30 });
    assert((await outcome(blocking)) instanceof UpdateLimitError);
    assert.equal(state(snapshots), "0:a");
  });

  test("the late rejection of an abandoned function is no unhandled rejection", {
    timeout,
  }, async () => {
    const { snapshots, host } = create();
    const held = new Held(snapshots, { limit: 30 });
    await settle();
    host.advance(30);
    assert((await outcome(held.done)) instanceof UpdateLimitError);
    // An unhandled rejection fails the test: see tests/_setup.ts.
    held.fail(new Error("late"));
    await settle();
    assert.equal(state(snapshots), "0:a");
  });

  test("an abort ends the run, aborts the function's signal, and frees the turn", {
    timeout,
  }, async () => {
    const { snapshots } = create();
    const controller = new AbortController();
    const held = new Held(snapshots, { signal: controller.signal });
    const queued = new Held(snapshots, { signal: controller.signal });
    const next = new Held(snapshots);
    await settle();
    assert.equal(held.signal!.aborted, false);
    const reason = new Error("enough");
    controller.abort(reason);
    assert.equal(held.signal!.reason, reason);
    assert.deepEqual([await outcome(held.done), await outcome(queued.done)], [reason, reason]);
    assert.deepEqual([state(snapshots), queued.given, next.given], ["0:a", undefined, "0:a"]);
    held.finish("late");
    next.finish("b");
    assert.deepEqual([await next.done, state(snapshots)], [1, "1:b"]);
  });

  test("an update whose signal has aborted never runs its function", { timeout }, async () => {
    const { snapshots } = create();
    let ran = false;
    const run = () => (ran = true, "b");
    assert.equal(await outcome(snapshots.update(run, { signal: AbortSignal.abort("no") })), "no");
    // Aborted between the grant of the turn and its beginning.
    const controller = new AbortController();
    const update = snapshots.update(run, { signal: controller.signal });
    controller.abort("no");
    assert.equal(await outcome(update), "no");
    assert.deepEqual([ran, state(snapshots)], [false, "0:a"]);
    assert.equal(await snapshots.update(() => "b", { timeout: 0 }), 1);
  });

  test("an update goes by what its options were when it was called", { timeout }, async () => {
    const { snapshots, host } = create();
    const gate = Promise.withResolvers<string>();
    const first = snapshots.update(() => gate.promise);
    const options: UpdateOptions = { limit: 60 };
    const inside = Promise.withResolvers<string>();
    const second = snapshots.update(() => inside.promise, options);
    const another = () => Object.assign(options, { limit: 1, signal: AbortSignal.abort("no") });
    another(); // while it waits
    gate.resolve("b");
    assert.equal(await first, 1);
    await settle();
    another(); // while it runs
    host.advance(50);
    inside.resolve("c");
    assert.equal(await second, 2);
  });

  test("an update that has ended leaves no timer and no listener", { timeout }, async () => {
    const { snapshots, host } = create();
    const { signal } = new AbortController();
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
    const held = new Held(snapshots, { signal, limit: 100, timeout: 100 });
    await settle();
    assert.deepEqual([host.timers, listeners], [1, 1]);
    held.finish("b");
    await held.done;
    assert.deepEqual([host.timers, listeners], [0, 0]);
    const error = new Error("writer");
    const failing = snapshots.update(() => Promise.reject(error), { signal, limit: 100 });
    assert.equal(await outcome(failing), error);
    assert.deepEqual([host.timers, listeners, held.signal!.aborted], [0, 0, false]);
  });
});

describe("Snapshots: optimistic commits", { timeout }, () => {
  test("Snapshots.commit() takes a pin or an epoch, and answers the new epoch", {
    timeout,
  }, () => {
    const { snapshots } = create();
    using base = snapshots.pin();
    assert.equal(snapshots.commit(base, "b"), 1);
    assert.equal(snapshots.commit(1, "c"), 2);
    assert.equal(state(snapshots), "2:c");
  });

  test("Snapshots.commit() refuses a base that is no longer current", { timeout }, () => {
    const { snapshots, retired } = create();
    using base = snapshots.pin();
    snapshots.commit(base, "b");
    for (const stale of [base, 0, 2]) {
      assert.throws(() => snapshots.commit(stale, "lost"), (error) => {
        assert(error instanceof ConflictError);
        assert.deepEqual([error.base, error.current], [stale === 2 ? 2 : 0, 1]);
        return true;
      });
    }
    assert.deepEqual([state(snapshots), retired], ["1:b", []]);
  });

  test("of two commits on one base the first wins", { timeout }, async () => {
    const snapshots = new Snapshots(0);
    let conflicts = 0;
    const increment = async () => {
      for (;;) {
        using base = snapshots.pin();
        await settle();
        try {
          return snapshots.commit(base, base.value + 1);
        } catch (error) {
          assert(error instanceof ConflictError);
          conflicts++;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, increment));
    assert.deepEqual([snapshots.current, snapshots.epoch], [8, 8]);
    assert(conflicts > 0, "nobody ever conflicted: the test shows nothing");
  });

  test("a commit during an update wins: the update is told, keeps its turn, and conflicts", {
    timeout,
  }, async () => {
    const { snapshots, retired } = create();
    const held = new Held(snapshots);
    const next = new Held(snapshots);
    await settle();
    assert.equal(snapshots.commit(0, "committed"), 1);
    assert(held.signal!.reason instanceof ConflictError);
    assert.equal(await outcome(held.done), "pending");
    assert.equal(next.given, undefined);
    held.finish("would lose the commit");
    const error = await outcome(held.done);
    assert(error instanceof ConflictError);
    assert.deepEqual([error.base, error.current], [0, 1]);
    assert.deepEqual([state(snapshots), next.given], ["1:committed", "1:committed"]);
    next.finish("b");
    assert.deepEqual([await next.done, state(snapshots)], [2, "2:b"]);
    assert.deepEqual(retired, ["0:a", "1:committed"]);
  });

  test("an update that commits inside itself conflicts with itself", { timeout }, async () => {
    const { snapshots } = create();
    const update = snapshots.update((_, { epoch }) => {
      snapshots.commit(epoch, "inside");
      return "outside";
    });
    assert((await outcome(update)) instanceof ConflictError);
    assert.equal(state(snapshots), "1:inside");
  });

  test("a commit between two updates concerns neither", { timeout }, async () => {
    const { snapshots } = create();
    const held = new Held(snapshots);
    held.finish("b");
    assert.equal(await held.done, 1);
    snapshots.commit(1, "c");
    assert.equal(held.signal!.aborted, false);
    assert.equal(await snapshots.update((value) => `${value}d`), 3);
    assert.equal(state(snapshots), "3:cd");
  });

  test("a signal first looked at after the conflict is aborted too", { timeout }, async () => {
    const { snapshots } = create();
    let late: AbortSignal | undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const update = snapshots.update(async (value, context) => {
      await promise;
      late = context.signal;
      return value;
    });
    await settle();
    snapshots.commit(0, "b");
    resolve();
    const error = await outcome(update);
    assert(error instanceof ConflictError);
    assert(late!.reason instanceof ConflictError);
  });
});

describe("Snapshots: bad arguments", { timeout }, () => {
  test("Snapshots cannot be created with options that cannot be meant", { timeout }, () => {
    const create = (options: unknown) => () =>
      new Snapshots("a", options as SnapshotsOptions<string>);
    assert.throws(create(null), /^TypeError: Cannot create snapshots: options must be an object/);
    assert.throws(create({ onRetire: 1 }), /^TypeError: .*onRetire must be a function, got 1$/);
    assert.throws(create({ label: 1 }), /^TypeError: .*label must be a string, got 1$/);
  });

  test("Snapshots.update() rejects what cannot be meant, and changes nothing", {
    timeout,
  }, async () => {
    const { snapshots } = create();
    let ran = false;
    const run = () => (ran = true, "b");
    const bad: [unknown, unknown, RegExp][] = [
      [undefined, {}, /^TypeError: Cannot update: fn must be a function, got undefined$/],
      [run, null, /^TypeError: Cannot update: options must be an object, got null$/],
      [run, { limit: -1 }, /^RangeError: Cannot update: limit .* 0 or more .*, got -1$/],
      [run, { limit: NaN }, /^RangeError: Cannot update: limit .*, got NaN$/],
      [run, { timeout: -1 }, /^RangeError: Cannot update: timeout .*, got -1$/],
      [run, { signal: {} }, /^TypeError: Cannot update: signal must be an AbortSignal/],
      [run, { label: 5 }, /^TypeError: Cannot update: label must be a string, got 5$/],
    ];
    for (const [fn, options, message] of bad) {
      const error = await outcome(snapshots.update(fn as () => string, options as UpdateOptions));
      assert.match(String(error), message);
    }
    assert.deepEqual([ran, state(snapshots)], [false, "0:a"]);
  });

  test("Snapshots.commit() refuses a base that is none", { timeout }, () => {
    const { snapshots } = create();
    const foreign = create().snapshots.pin();
    for (const base of [foreign, { epoch: 0, value: "a" }, "0", undefined, null]) {
      const commit = () => snapshots.commit(base as unknown as number, "b");
      assert.throws(commit, /^TypeError: Cannot commit: base must be a pin of these snapshots/);
    }
    for (const base of [-1, 0.5, NaN]) {
      assert.throws(() => snapshots.commit(base, "b"), RangeError);
    }
    assert.throws(() => snapshots.pin(7 as unknown as string), TypeError);
    assert.throws(() => snapshots.view(7 as unknown as () => void), TypeError);
    assert.equal(state(snapshots), "0:a");
  });
});
