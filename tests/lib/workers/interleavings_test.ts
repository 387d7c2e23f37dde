/**
 * `SharedRwLock` and `SharedBarrier` at every interleaving of their atomic operations, with the
 * code as it is: see `_stepper.ts`. Where there are too many orders, all of up to a number of
 * preemptions. A failure prints the operations that lead to it.
 */
import process from "node:process";
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { LockTimeoutError } from "../../../mod.ts";
import {
  BarrierTimeoutError,
  OwnerReapedError,
  SharedBarrier,
  SharedRwLock,
} from "../../../lib/workers/mod.ts";
import { explore, type Move, type Outcome, type Thread } from "./_stepper.ts";

const timeout = 600_000;

/** The bound where not all orders are searched; three have been, which takes minutes. */
const bound = Number(process.env.INTERLOCK_PREEMPTIONS ?? 2);

/** Where owner `owner` has its state, its signal behind it. */
const seat = (owner: number) => 48 + 16 * owner;

/** An acquire: `read` or `write`; `try` does not wait, `soon` may time out at any moment. */
type Wish = `${"" | "try " | "soon "}${"read" | "write"}`;

/** Acquires as it wishes, is inside for one operation, and releases. */
function visit(lock: SharedRwLock, wish: Wish, mark: (text: string) => void): void {
  const reads = wish.endsWith("read");
  mark(`wants ${wish}`);
  try {
    const options = { timeout: wish.startsWith("soon") ? 1 : Infinity };
    const guard = wish.startsWith("try")
      ? reads ? lock.tryRead() : lock.tryWrite()
      : reads
      ? lock.readSync(options)
      : lock.writeSync(options);
    if (guard === undefined) return mark("did not get it");
    mark(reads ? "reads" : "writes");
    Atomics.load(new Int32Array(lock.handle.memory), 16);
    mark("leaves");
    guard.release();
    mark("has left");
  } catch (error) {
    if (error instanceof OwnerReapedError) return mark("is shut out");
    if (!(error instanceof LockTimeoutError)) throw error;
    mark("timed out");
  }
}

/** A thread with its own owner; it makes its visits as one act, with all it has learnt on the way. */
function visitor(lock: SharedRwLock, owner: number, wishes: readonly Wish[]): Thread {
  const words = new Int32Array(lock.handle.memory);
  let side: SharedRwLock;
  SharedRwLock.attach(lock.handle, { owner });
  return {
    name: `owner ${owner}`,
    prepare() {
      words[seat(owner)] = 0;
      side = SharedRwLock.attach(lock.handle, { owner });
    },
    acts: [(mark) => {
      for (const wish of wishes) visit(side, wish, mark);
    }],
    impatient: wishes.some((wish) => wish.startsWith("soon")),
  };
}

const isInside = (mark: string) => mark === "reads" || mark === "writes";

/** Bits of the lock word: all holders and `WRITE`, and the two flags. */
const INSIDE = 0x1f_ffff;
const FLAGS = 0x60_0000;

function clash(marks: readonly string[]): string | undefined {
  const inside = marks.filter(isInside);
  return inside.length > 1 && inside.includes("writes") ? "a writer is not alone" : undefined;
}

/** Who has arrived in the queue, and who had when each began. */
interface Queue {
  readonly arrived: readonly boolean[];
  readonly ahead: readonly (readonly number[])[];
}

/** Follows who is ahead of whom; owner `i + 1` is thread `i`. */
function follow({ arrived, ahead }: Queue, move: Move, before: readonly string[]): Queue {
  const { thread, mark, operation, at } = move;
  const own = seat(thread + 1);
  const wants = mark.startsWith("wants");
  if (wants && !before[thread].startsWith("wants")) {
    ahead = ahead.with(thread, arrived.flatMap((yes, other) => yes ? [other] : []));
  }
  // One has arrived with the first look at one's signal, and leaves the queue with the next swap
  // of one's state.
  if (wants && operation === "load" && at === own + 1) arrived = arrived.with(thread, true);
  else if (!wants || arrived[thread] && operation === "swap" && at === own) {
    arrived = arrived.with(thread, false);
  }
  ahead = ahead.map((others, index) =>
    before[index].startsWith("wants") || index === thread
      ? others.filter((other) => arrived[other])
      : []
  );
  return { arrived, ahead };
}

/** Visits at every interleaving: never a writer beside another, nobody overtaken or left asleep. */
function visits(wishes: readonly (readonly Wish[])[], preemptions?: number): Outcome {
  const lock = SharedRwLock.create({ owners: wishes.length + 1 });
  const words = new Int32Array(lock.handle.memory);
  const threads = wishes.map((list, index) => visitor(lock, index + 1, list));
  const facts: Queue = {
    arrived: wishes.map(() => false),
    ahead: wishes.map(() => []),
  };
  return explore({
    words,
    threads,
    preemptions,
    facts,
    learn: follow,
    check(marks, { ahead }, ended, memory) {
      const overtaken = marks.findIndex((mark, index) =>
        isInside(mark) &&
        ahead[index].some((other) => mark === "writes" || marks[other].endsWith("write"))
      );
      if (overtaken >= 0) return `owner ${overtaken + 1} overtook owner ${ahead[overtaken]}`;
      if ((memory[16] & FLAGS) === FLAGS) return "the queue is open and closing at once";
      // A flag may be left by who timed out, but no holder.
      if (ended && (memory[16] & INSIDE) !== 0) return "someone is left inside";
      return clash(marks);
    },
  });
}

function passes(outcome: Outcome): void {
  assert.equal(outcome.failure, undefined);
  assert(outcome.ends > 0 && outcome.states > 50, `explored only ${outcome.states} states`);
}

describe("SharedRwLock at every interleaving", () => {
  const whole: Wish[][][] = [
    [["write"], ["write"]],
    [["read"], ["write"]],
    [["read"], ["read"]],
    [["soon write"], ["write"]],
    [["soon write"], ["read"]],
    [["soon read"], ["write"]],
    [["write"], ["try write"]],
    [["write"], ["try read"]],
    [["read"], ["try write"]],
    [["read", "write"], ["read"]],
  ];
  for (const wishes of whole) {
    const name = wishes.map((list) => list.join(", ")).join(" beside ");
    test(`keeps its promises: ${name}`, { timeout }, () => passes(visits(wishes)));
  }

  test("lets a try succeed that meets only another try, or readers", { timeout }, () => {
    for (
      const wishes of [
        [["try write"], ["try write"]],
        [["try read"], ["try read"]],
        [["try write", "try read"], ["try read"]],
      ] satisfies Wish[][][]
    ) {
      const lock = SharedRwLock.create({ owners: 3 });
      const outcome = explore({
        words: new Int32Array(lock.handle.memory),
        threads: wishes.map((list, index) => visitor(lock, index + 1, list)),
        facts: 0,
        learn: (got: number, { mark }, before) => isInside(mark) && mark !== before[0] ? 1 : got,
        check: (marks, got, ended) => ended && got === 0 ? "both failed" : clash(marks),
      });
      passes(outcome);
    }
  });

  const bounded: Wish[][][] = [
    [["write"], ["write"], ["write"]],
    [["write"], ["read"], ["read"]],
    [["read"], ["write"], ["read"]],
    [["soon write"], ["read"], ["write"]],
    [["soon write"], ["read"], ["read"]],
    [["write", "write"], ["write", "read"]],
    [["read", "try write"], ["write", "read"]],
  ];
  for (const wishes of bounded) {
    const name = wishes.map((list) => list.join(", ")).join(" beside ");
    test(`keeps its promises with ${bound} preemptions: ${name}`, { timeout }, () => {
      passes(visits(wishes, bound));
    });
  }
});

describe("SharedRwLock.reap() at every interleaving", () => {
  /**
   * Owner 1 visits, and is reaped: after it has died at some moment, or while it lives on. Its
   * number is taken again. Nobody is let in beside another but the reaped one by its own account.
   */
  function reaps(wishes: readonly Wish[], again: Wish, dies: boolean, preemptions?: number) {
    const lock = SharedRwLock.create({ owners: wishes.length + 1 });
    const words = new Int32Array(lock.handle.memory);
    const visitors = wishes.map((wish, index) => visitor(lock, index + 1, [wish]));
    const reaper = wishes.length;
    let side: SharedRwLock;
    const threads: Thread[] = [{ ...visitors[0], mortal: dies }, ...visitors.slice(1), {
      name: "the reaper",
      begins: (marks) => !dies || marks[0] === "is dead",
      prepare() {
        words[seat(0)] = 0;
        side = SharedRwLock.attach(lock.handle, { owner: 0 });
      },
      acts: [(mark) => {
        mark("reaps");
        side.reap(1);
        mark("has reaped");
        visit(SharedRwLock.attach(lock.handle, { owner: 1 }), again, mark);
      }],
    }];
    return explore({
      words,
      threads,
      preemptions,
      facts: false,
      // Whether the reaped one has got in after it was reaped.
      learn: (already: boolean, { thread, mark }, before) =>
        already ||
        thread === 0 && isInside(mark) && !isInside(before[0]) &&
          before[reaper] !== "" && before[reaper] !== "reaps",
      check(marks, revived, ended, memory) {
        if (revived) return "the reaped one got in";
        if (ended && (memory[16] & INSIDE) !== 0) return "someone is left inside";
        return clash(marks.with(0, marks[reaper] === "" ? marks[0] : ""));
      },
    });
  }

  /** A lock that owner 1 held when it died; what `memory` was then; and who reaps it. */
  function estate(mode: "read" | "write") {
    const lock = SharedRwLock.create({ owners: 5 });
    const words = new Int32Array(lock.handle.memory);
    const dead = SharedRwLock.attach(lock.handle, { owner: 1 });
    if (mode === "read") dead.readSync();
    else dead.writeSync();
    const reaper = (owner: number, ...then: Wish[]): Thread => {
      let side: SharedRwLock;
      if (owner !== 0) SharedRwLock.attach(lock.handle, { owner });
      return {
        name: `reaper ${owner}`,
        prepare() {
          words[seat(owner)] = 0;
          side = SharedRwLock.attach(lock.handle, { owner });
        },
        acts: [(mark) => {
          mark("reaps");
          side.reap(1);
          mark("has reaped");
        }, ...then.map((wish) => (mark: (text: string) => void) => visit(side, wish, mark))],
      };
    };
    return { lock, words, reaper };
  }

  test("can be done by two at once, and takes nothing from the next owner", { timeout }, () => {
    for (const mode of ["read", "write"] as const) {
      const { lock, words, reaper } = estate(mode);
      const outcome = explore({
        words,
        threads: [reaper(0), reaper(2, "write"), {
          name: "the next owner",
          // It comes when one has reaped, and the other is about it.
          begins: (marks) => marks[0] !== "" && marks[1] !== "" && marks[1] !== "reaps",
          acts: [(mark) => visit(SharedRwLock.attach(lock.handle, { owner: 1 }), "write", mark)],
        }],
        preemptions: bound,
        facts: 0,
        check(marks, _facts, ended, memory) {
          if (marks.includes("is shut out")) return "the next owner was reaped";
          if (ended && (memory[16] & INSIDE) !== 0) return "someone is left inside";
          return clash(marks);
        },
      });
      passes(outcome);
    }
  });

  test("can be done again by another when one dies over it", { timeout }, () => {
    for (const mode of ["read", "write"] as const) {
      const { lock, words, reaper } = estate(mode);
      const outcome = explore({
        words,
        threads: [
          { ...reaper(0), mortal: true },
          { ...reaper(2), begins: (marks) => marks[0] === "is dead" },
          visitor(lock, 3, ["write"]),
        ],
        preemptions: bound - 1,
        facts: 0,
        check: (marks, _facts, ended, memory) =>
          ended && marks[0] !== "" && (memory[16] & INSIDE) !== 0
            ? "someone is left inside"
            : clash(marks),
      });
      passes(outcome);
    }
  });

  for (const dies of [true, false]) {
    const what = dies ? "has died at any moment" : "lives on";
    test(`frees everything of an owner that ${what}`, { timeout }, () => {
      for (const wish of ["read", "write"] as const) {
        for (const again of ["read", "write"] as const) {
          passes(reaps([wish], again, dies));
          for (const other of ["read", "write"] as const) {
            passes(reaps([wish, other], again, dies, bound - 1));
          }
        }
      }
    });
  }
});

describe("SharedBarrier at every interleaving", () => {
  function meets(timeouts: readonly (number | undefined)[], rounds: number): Outcome {
    const barrier = SharedBarrier.create(timeouts.filter((one) => one === undefined).length || 2);
    let side: SharedBarrier;
    const threads: Thread[] = timeouts.map((timeout, index) => ({
      name: `party ${index}`,
      prepare() {
        side = SharedBarrier.attach(barrier.handle);
      },
      impatient: timeout !== undefined,
      acts: Array.from({ length: rounds }, (_, round) => (mark: (text: string) => void) => {
        mark(`${round}`);
        try {
          side.waitSync({ timeout });
          mark(`${round + 1}`);
        } catch (error) {
          if (!(error instanceof BarrierTimeoutError)) throw error;
          mark("gave up");
        }
      }),
    }));
    return explore({
      words: new Int32Array(barrier.handle.memory),
      threads,
      facts: 0,
      check(marks, _facts, ended, memory) {
        if (ended && (memory[16] & 1023) !== 0) return "an arrival is left behind";
        if (timeouts.some((one) => one !== undefined)) {
          const passed = marks.filter((mark) => mark === "1").length;
          return ended && passed % 2 !== 0 ? "one has passed alone" : undefined;
        }
        const at = marks.filter((mark) => mark !== "").map(Number);
        // Who has passed round r is at r + 1, when the others are at least in round r.
        if (at.length === marks.length && Math.max(...at) - Math.min(...at) > 1) {
          return `parties are at ${at}`;
        }
      },
    });
  }

  test("lets nobody leave early and nobody sleep on, round after round", { timeout }, () => {
    passes(meets([undefined, undefined], 3));
    passes(meets([undefined, undefined, undefined], 1));
  });

  test("lets two pass or neither, where both may time out", { timeout }, () => {
    passes(meets([1, 1], 1));
  });
});
