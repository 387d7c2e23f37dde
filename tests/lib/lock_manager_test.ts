/**
 * What the Web Locks specification says of requests, modes and names, as behaviour. Signals and
 * stealing are in `lock_manager_signal_test.ts`, `query()` and memory in
 * `lock_manager_query_test.ts`.
 *
 * Read beside them: the web platform's own tests of `web-locks/`. Their cases stand here as behaviour:
 * `acquire`, `held`, `ifAvailable`, `lock-attributes`, `mode-exclusive`, `mode-mixed`, `mode-shared`,
 * `query`, `query-empty`, `query-ordering` (with modes where it tells requests apart by their frames),
 * `resource-names`, `signal` and `steal`.
 *
 * These have no counterpart in any of the three, because there is nothing here that they speak of:
 *
 * - `bfcache/*`, `crashtests/*`, `frames`, `non-fully-active`, `partitioned-web-locks`,
 *   `release-following-termination`, `storage-buckets` and `windows`: there are no documents, and no
 *   browser that takes their locks away;
 * - `secure-context`, `non-secure-context` and `opaque-origin`: a manager belongs to who constructed
 *   it and not to an origin, so that no context is refused one;
 * - `workers`, `clientids`, and of `query` that agents have different `clientId`s and that a deadlock
 *   between them can be seen: a manager is for the tasks of one isolate;
 * - `idlharness` as far as it asks for `[Exposed]`, `[SecureContext]`, members that can be enumerated
 *   and interfaces without a constructor: ours is a class of a module and constructed on purpose;
 * - `query-order`, which was taken out again, where it wants requests for several names listed in the
 *   order they came: the specification lists them name by name.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { type Lock, LockManager } from "../../lib/lock_manager.ts";
import { outcome, settle } from "../_fake_host.ts";
import { hold } from "./_held_lock.ts";

const timeout = 20_000;

type Loose = (...args: unknown[]) => Promise<unknown>;

/** Calls `request` with what its types do not allow. */
function request(...args: unknown[]): Promise<unknown> {
  const locks = new LockManager();
  return (locks.request as Loose).apply(locks, args);
}

const nothing = () => {};

describe("LockManager.request(): arguments", { timeout }, () => {
  test("LockManager.request() rejects with TypeError what Web IDL cannot convert", {
    timeout,
  }, async () => {
    const wrong: [what: string, ...args: unknown[]][] = [
      ["no argument"],
      ["no callback", "name"],
      ["undefined for a callback", "name", undefined],
      ["null for a callback", "name", null],
      ["a number for a callback", "name", 123],
      ["a string for a callback", "name", "abc"],
      ["an object for a callback", "name", {}],
      ["an array for a callback", "name", []],
      ["a promise for a callback", "name", Promise.resolve()],
      ["options and no callback", "name", {}, undefined],
      ["a callback before an undefined third argument", "name", nothing, undefined],
      ["a name that is a symbol", Symbol("name"), nothing],
      ["options that are a number", "name", 1, nothing],
      ["options that are a string", "name", "shared", nothing],
      ["options that are a symbol", "name", Symbol("options"), nothing],
      ["an unknown mode", "name", { mode: "foo" }, nothing],
      ["an empty mode", "name", { mode: "" }, nothing],
      ["a mode in other letters", "name", { mode: "Shared" }, nothing],
      ["null for a mode", "name", { mode: null }, nothing],
      ["a mode that is a symbol", "name", { mode: Symbol("mode") }, nothing],
      ["null for a signal", "name", { signal: null }, nothing],
      ["a string for a signal", "name", { signal: "abort" }, nothing],
      ["a number for a signal", "name", { signal: 12.34 }, nothing],
      ["a boolean for a signal", "name", { signal: false }, nothing],
      ["a symbol for a signal", "name", { signal: Symbol("signal") }, nothing],
      ["a function for a signal", "name", { signal: nothing }, nothing],
      ["the global object for a signal", "name", { signal: globalThis }, nothing],
      ["an object for a signal", "name", { signal: {} }, nothing],
      ["a controller for a signal", "name", { signal: new AbortController() }, nothing],
    ];
    for (const [what, ...args] of wrong) await assert.rejects(request(...args), TypeError, what);
  });

  test("LockManager.request() rejects with NotSupportedError what excludes itself", {
    timeout,
  }, async () => {
    const { signal } = new AbortController();
    const wrong: [name: string, options: object][] = [
      ["-", {}],
      ["-name", {}],
      ["name", { steal: true, ifAvailable: true }],
      ["name", { steal: true, mode: "shared" }],
      ["name", { steal: true, signal }],
      ["name", { ifAvailable: true, signal }],
    ];
    for (const [name, options] of wrong) {
      const error = await outcome(request(name, options, nothing));
      assert(error instanceof DOMException, JSON.stringify(options));
      assert.equal(error.name, "NotSupportedError");
      assert.equal(error.code, DOMException.NOT_SUPPORTED_ERR);
    }
  });

  test("LockManager.request() tells of a wrong type before it tells of what is not supported", {
    timeout,
  }, async () => {
    await assert.rejects(request("-name", { mode: "foo" }, nothing), TypeError);
    await assert.rejects(request("-name", {}, "not callable"), TypeError);
    const { signal } = new AbortController();
    await assert.rejects(
      request("-name", { signal, steal: true, mode: "foo" }, nothing),
      TypeError,
    );
  });

  test("LockManager.request() converts its arguments in order, options by the alphabet", {
    timeout,
  }, async () => {
    const read: string[] = [];
    const options = new Proxy({}, {
      get: (_, key) => {
        read.push(String(key));
      },
    });
    const name = { toString: () => (read.push("the name"), "name") };
    await request(name, options, nothing);
    assert.deepEqual(read, ["the name", "ifAvailable", "mode", "signal", "steal"]);
  });

  test("LockManager.request() passes on what a conversion throws", { timeout }, async () => {
    const thrown = new Error("thrown");
    const fail = () => {
      throw thrown;
    };
    assert.equal(await outcome(request({ toString: fail }, nothing)), thrown);
    const options = Object.defineProperty({}, "steal", { get: fail });
    assert.equal(await outcome(request("name", options, nothing)), thrown);
    assert.equal(await outcome(request("name", { mode: { toString: fail } }, nothing)), thrown);
  });

  test("LockManager.request() makes strings and booleans of what is neither", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const loose = locks.request.bind(locks) as Loose;
    const names: [unknown, string][] = [[undefined, "undefined"], [null, "null"], [123, "123"]];
    for (const [name, text] of names) {
      assert.equal(await loose(name, (lock: Lock) => lock.name), text);
    }
    const mode = { toString: () => "shared" };
    assert.equal(await loose("name", { mode }, (lock: Lock) => lock.mode), "shared");
    const held = hold(locks, "name");
    assert.equal(await loose("name", { ifAvailable: 1 }, (lock: Lock | null) => lock), null);
    held.release();
  });

  test("LockManager.request() takes undefined and null for no options", { timeout }, async () => {
    for (const options of [undefined, null, {}, nothing]) {
      const mode = await request("name", options, (lock: Lock) => lock.mode);
      assert.equal(mode, "exclusive");
    }
    const members = {
      ifAvailable: undefined,
      mode: undefined,
      signal: undefined,
      steal: undefined,
    };
    assert.equal(await request("name", members, (lock: Lock) => lock.mode), "exclusive");
  });

  test("LockManager rejects, and does not throw, when it is called on something else", {
    timeout,
  }, async () => {
    const { request, query } = LockManager.prototype;
    await assert.rejects((request as Loose).call({}, "name", nothing), TypeError);
    await assert.rejects(query.call({} as LockManager), TypeError);
  });

  test("LockManager looks like the platform's", { timeout }, () => {
    const locks = new LockManager();
    assert.equal(String(locks), "[object LockManager]");
    assert.equal(locks.request.length, 2);
    assert.equal(locks.query.length, 0);
    // Whoever takes a LockManager of the platform takes ours.
    const web: globalThis.LockManager = locks;
    assert.equal(typeof web.request, "function");
  });
});

describe("LockManager.request(): the callback", { timeout }, () => {
  test("LockManager.request() answers what its callback answers", { timeout }, async () => {
    const locks = new LockManager();
    assert.equal(await locks.request("name", () => 123), 123);
    assert.equal(await locks.request("name", () => Promise.resolve(123)), 123);
    const thenable = { then: (resolve: (value: number) => void) => resolve(123) };
    assert.equal(await locks.request("name", () => thenable), 123);
    assert.equal(await locks.request("name", nothing), undefined);
  });

  test("LockManager.request() rejects with what its callback throws or rejects with", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const thrown = new Error("thrown");
    const throws = () => {
      throw thrown;
    };
    const faulty = { then: throws };
    const callbacks: (() => unknown)[] = [throws, () => Promise.reject(thrown), () => faulty];
    for (const callback of callbacks) {
      assert.equal(await outcome(locks.request("name", callback)), thrown);
      assert.deepEqual(await locks.query(), { held: [], pending: [] });
    }
  });

  test("LockManager.request() rejects with a thenable as it is, and does not call its then", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    let called = false;
    const thenable = { then: () => void (called = true) };
    const throws = () => {
      throw thenable;
    };
    const held = hold(locks, "other");
    for (const callback of [throws, () => Promise.reject(thenable)]) {
      for (const [name, options] of [["name", {}], ["other", { ifAvailable: true }]] as const) {
        const reason = await locks.request(name, options, callback).then(
          () => assert.fail("it did not reject"),
          (reason) => ({ reason }),
        );
        assert.equal(reason.reason, thenable);
      }
    }
    assert.equal(called, false);
    held.release();
  });

  test("LockManager.request() is answered after what its callback answered", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const order: string[] = [];
    const ended = Promise.withResolvers<void>();
    const request = locks.request("name", () => ended.promise);
    request.then(() => order.push("request"));
    ended.promise.then(() => order.push("callback"));
    ended.resolve();
    await request;
    await settle();
    assert.deepEqual(order, ["callback", "request"]);
  });

  test("LockManager.request() calls back later, with the lock and without a this", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const called: unknown[][] = [];
    const done = locks.request("name", function (this: unknown, ...args: unknown[]) {
      called.push([this, ...args]);
    });
    assert.equal(called.length, 0, "not synchronously");
    await done;
    assert.deepEqual(called.map((given) => given.map(String)), [["undefined", "[object Lock]"]]);
  });

  test("LockManager.request() calls back in the async context of the request", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const see = () => void seen.push(context.getStore());
    const first = context.run("first", () => hold(locks, "name"));
    const queued = context.run("queued", () => locks.request("name", see));
    const denied = context.run(
      "denied",
      () => locks.request("name", { ifAvailable: true }, see),
    );
    await denied;
    await first.begun;
    first.release();
    await queued;
    await context.run("free", () => locks.request("name", see));
    assert.deepEqual(seen, ["denied", "queued", "free"]);
  });

  test("Lock has the name and mode that were asked for, and nobody alters them", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    for (const mode of ["exclusive", "shared"] as const) {
      await locks.request("name", { mode }, (lock) => {
        assert.throws(() => Object.assign(lock, { name: "other" }), TypeError);
        assert.throws(() => Object.assign(lock, { mode: "other" }), TypeError);
        assert.deepEqual([lock.name, lock.mode], ["name", mode]);
      });
    }
    const lock = await locks.request("name", (lock) => lock);
    assert.deepEqual([lock.name, lock.mode], ["name", "exclusive"], "after the release too");
  });

  test("Lock is held until what the callback answered has settled", { timeout }, async () => {
    for (const how of ["release", "fail"] as const) {
      const locks = new LockManager();
      const first = hold(locks, "name");
      const second = hold(locks, "name");
      await first.begun;
      assert.equal(await outcome(second.begun), "pending");
      first[how]("ended");
      assert.equal((await second.begun)?.name, "name");
      assert.equal(await outcome(first.done), "ended");
      second.release();
    }
  });

  test("Lock is free for the next when the request is answered", { timeout }, async () => {
    const locks = new LockManager();
    for (const callback of [nothing, () => Promise.reject(new Error("fails"))]) {
      await locks.request("name", callback).catch(nothing);
      const free = await locks.request("name", { ifAvailable: true }, (lock) => lock !== null);
      assert.equal(free, true);
    }
  });

  test("LockManager is not re-entrant: who holds a lock and asks again waits", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    let inner: Promise<unknown> | undefined;
    await locks.request("name", async () => {
      inner = locks.request("name", () => "inner");
      assert.equal(await outcome(inner), "pending");
    });
    assert.equal(await inner, "inner");
  });
});

describe("LockManager.request(): modes", { timeout }, () => {
  test("LockManager.request() grants exclusive locks one at a time, in order", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const order: number[] = [];
    let inside = 0;
    const one = async (i: number) => {
      assert.equal(++inside, 1);
      order.push(i);
      await settle();
      inside--;
    };
    await Promise.all([1, 2, 3, 4, 5].map((i) => locks.request("name", () => one(i))));
    assert.deepEqual(order, [1, 2, 3, 4, 5]);
  });

  test("LockManager.request() grants shared locks together", { timeout }, async () => {
    const locks = new LockManager();
    const held = [1, 2, 3].map(() => hold(locks, "name", { mode: "shared" }));
    for (const { begun } of held) assert.equal((await begun)?.mode, "shared");
    for (const { release } of held) release();
  });

  test("LockManager.request() calls back in the order of the requests, over all names", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const order: number[] = [];
    const names = ["a", "b", "c", "a", "b", "c"];
    await Promise.all(
      names.map((name, i) => locks.request(name, { mode: "shared" }, () => void order.push(i))),
    );
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  });

  test("LockManager.request() keeps names apart", { timeout }, async () => {
    const locks = new LockManager();
    const a = hold(locks, "a"), b = hold(locks, "b");
    assert.equal((await a.begun)?.name, "a");
    assert.equal((await b.begun)?.name, "b");
    const other = hold(new LockManager(), "a");
    assert.equal((await other.begun)?.name, "a", "managers have names of their own");
    for (const { release } of [a, b, other]) release();
  });

  test("LockManager.request() serves both modes in the order they came", { timeout }, async () => {
    const locks = new LockManager();
    const modes = ["shared", "shared", "exclusive", "exclusive", "shared", "shared"] as const;
    const begun: number[] = [];
    const held = modes.map((mode, i) => {
      const one = hold(locks, "name", { mode });
      one.begun.then(() => begun.push(i));
      return one;
    });
    const seen: number[][] = [];
    for (const { release } of held) {
      await settle();
      seen.push(begun.splice(0));
      release();
    }
    assert.deepEqual(seen, [[0, 1], [], [2], [3], [4, 5], []]);
  });

  test("LockManager.request() lets no shared request past a queued exclusive one", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const first = hold(locks, "name", { mode: "shared" });
    const writer = hold(locks, "name");
    const second = hold(locks, "name", { mode: "shared" });
    assert.equal(await outcome(second.begun), "pending");
    first.release();
    assert.equal((await writer.begun)?.mode, "exclusive");
    assert.equal(await outcome(second.begun), "pending");
    writer.release();
    assert.equal((await second.begun)?.mode, "shared");
    second.release();
  });
});

describe("LockManager.request(): ifAvailable", { timeout }, () => {
  test("LockManager.request() with ifAvailable takes what is free", { timeout }, async () => {
    const locks = new LockManager();
    for (const mode of ["exclusive", "shared"] as const) {
      const held = hold(locks, "name", { mode, ifAvailable: true });
      assert.equal((await held.begun)?.mode, mode);
      assert.equal((await locks.query()).held.length, 1);
      held.release(mode);
      assert.equal(await held.done, mode);
    }
  });

  test("LockManager.request() with ifAvailable calls back with null when it would wait", {
    timeout,
  }, async () => {
    const cases = [
      ["exclusive", "exclusive", false],
      ["exclusive", "shared", false],
      ["shared", "exclusive", false],
      ["shared", "shared", true],
    ] as const;
    for (const [held, mode, granted] of cases) {
      const locks = new LockManager();
      const first = hold(locks, "name", { mode: held });
      let called = 0;
      const done = locks.request("name", { mode, ifAvailable: true }, (lock) => {
        called++;
        return lock !== null;
      });
      assert.equal(called, 0, "not called synchronously");
      assert.equal(await done, granted, `${mode} beside ${held}`);
      first.release();
      await first.done;
      assert.equal(called, 1);
      assert.deepEqual(await locks.query(), { held: [], pending: [] });
    }
  });

  test("LockManager.request() with ifAvailable answers as its callback, given null or not", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const thrown = new Error("thrown");
    const ask = (callback: () => unknown) =>
      outcome(locks.request("name", { ifAvailable: true }, callback));
    const held = hold(locks, "name");
    for (let round = 0; round < 2; round++) {
      assert.equal(await ask(() => Promise.resolve("answer")), "answer");
      assert.equal(await ask(() => Promise.reject(thrown)), thrown);
      const throws = () => {
        throw thrown;
      };
      assert.equal(await ask(throws), thrown);
      held.release();
      await held.done;
    }
  });

  test("LockManager.request() with ifAvailable takes another name inside a callback, and again", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const granted = await locks.request("name", async () => {
      await locks.request("other", nothing);
      const options = { ifAvailable: true };
      return await locks.request("other", options, (lock) => lock?.name);
    });
    assert.equal(granted, "other");
  });

  // Deno's navigator.locks queues the request instead.
  test("LockManager.request() with ifAvailable answers null behind a queued exclusive request", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const first = hold(locks, "name", { mode: "shared" });
    const writer = hold(locks, "name");
    const options = { mode: "shared", ifAvailable: true } as const;
    assert.equal(await locks.request("name", options, (lock) => lock), null);
    assert.equal((await locks.query()).pending.length, 1, "it is not queued");
    first.release();
    writer.release();
    await writer.done;
  });
});

describe("LockManager.request(): names", { timeout }, () => {
  test("LockManager.request() takes any name but those that start with a hyphen", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const names = [
      ...["", "a", "a-", " -a", "__proto__", "constructor", "toString", "hasOwnProperty"],
      // NUL, a line's end, both halves of a surrogate pair alone and the wrong way round, marks.
      ...["\0", "a\0b", "\n", "\uD83D", "\uDE02", "\uDE02\uD83D", "\u{1F602}", "\uFEFF", "\uFFFF"],
      // What the halves would become if names were made well-formed.
      "\uFFFD",
      // The same letter in two ways: names are compared by code units.
      ...["\u00E9", "e\u0301", "x".repeat(100_000)],
    ];
    const held = names.map((name) => hold(locks, name));
    for (const [i, { begun }] of held.entries()) assert.equal((await begun)?.name, names[i]);
    const listed = (await locks.query()).held.map(({ name }) => name);
    assert.deepEqual(listed, names);
    for (const { release } of held) release();
    await Promise.all(held.map(({ done }) => done));
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
  });
});
