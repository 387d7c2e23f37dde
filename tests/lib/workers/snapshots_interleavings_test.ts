/**
 * `SharedSnapshots` at every interleaving of its operations on memory, with the code as it is: see
 * `_stepper.ts`; each byte of a version is read and written by itself. Where there are too many
 * orders, all of up to a number of preemptions. A failure prints the operations that lead to it.
 */
import process from "node:process";
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { ConflictError, LockTimeoutError } from "../../../mod.ts";
import { OwnerReapedError, SharedSnapshots, SlotTimeoutError } from "../../../lib/workers/mod.ts";
import { explore, type Outcome, type Search, type Thread } from "./_stepper.ts";

const timeout = 600_000;

/** The bound where not all orders are searched; two have been, which takes minutes. */
const bound = Number(process.env.INTERLOCK_PREEMPTIONS ?? 1);

/**
 * What a thread does: reads, or makes the next version of its own number twice in a row, where a
 * "commit" has pinned the version that it is based on.
 */
type Act = "view" | "epoch" | "pin" | "keep" | "write" | "write soon" | "commit";

/** Snapshots of two bytes, which are 0 at first; whoever writes them makes both its number. */
class Table {
  readonly snapshots: SharedSnapshots;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #end: number;
  readonly #slots: number;

  constructor(slots: number, owners: number) {
    this.#slots = slots;
    this.snapshots = SharedSnapshots.create(Uint8Array.of(0, 0), { slots, owners });
    this.words = new Int32Array(this.snapshots.handle.memory);
    this.#end = 48 + 16 * owners;
  }

  /** The word that says which slot is current. */
  get current(): number {
    return this.#end;
  }

  /** The epoch of the current version in a memory. */
  epochIn(memory: Int32Array): number {
    return memory[this.#end + 48 + 16 * (memory[this.#end] & 31)];
  }

  /** The first two bytes of the current version in a memory. */
  valueIn(memory: Int32Array): readonly [number, number] {
    const slot = memory[this.#end] & 31;
    const at = this.#end + 48 + 16 * this.#slots + 16 * slot;
    return [memory[at] & 255, memory[at] >>> 8 & 255];
  }

  /** Whether every slot is current or pinned. */
  isFullIn(memory: Int32Array): boolean {
    const all = (1 << this.#slots) - 1;
    return (this.pinnedIn(memory) | 1 << (memory[this.#end] & 31)) === all;
  }

  /** What all owners have pinned. */
  pinnedIn(memory: Int32Array): number {
    let pinned = 0;
    for (let at = 48 + 4; at < this.#end; at += 16) pinned |= memory[at];
    return pinned & 0xff_ffff;
  }

  /** Whether someone has the turn. */
  isTakenIn(memory: Int32Array): boolean {
    return (memory[16] & 0x1f_ffff) !== 0;
  }

  /** A thread that does all this; its marks tell what it has found. */
  thread(owner: number, acts: readonly Act[]): Thread {
    let side: SharedSnapshots;
    const { handle } = this.snapshots;
    const sit = () => side = SharedSnapshots.attach(handle, { owner });
    if (owner !== 0) sit();
    return {
      name: `owner ${owner}`,
      prepare: () => {
        this.words[48 + 16 * owner] = 0;
        sit();
      },
      acts: acts.map((act) => (mark: (text: string) => void) => perform(side, act, owner, mark)),
      impatient: acts.includes("write soon"),
    };
  }
}

/** One operation that changes nothing, so that the mark before it is seen. */
function pause({ handle }: SharedSnapshots): void {
  Atomics.load(new Int32Array(handle.memory), 16);
}

function perform(
  side: SharedSnapshots,
  act: Act,
  owner: number,
  mark: (text: string) => void,
): void {
  try {
    if (act === "view") {
      mark("begins");
      const found = side.view((value, epoch) => ({ epoch, x: value[0], y: value[1] }));
      mark(`found ${found.epoch} ${found.x} ${found.y}`);
      pause(side);
    } else if (act === "epoch") {
      mark("begins");
      mark(`counts ${side.epoch}`);
      pause(side);
    } else if (act === "keep") {
      mark("keeps");
      side.pin();
    } else if (act === "pin") {
      mark("begins");
      const pin = side.pin();
      mark("has pinned");
      const { epoch, value } = pin;
      mark(`found ${epoch} ${value[0]} ${value[1]}`);
      pin[Symbol.dispose]();
      mark("has released");
    } else if (act === "commit") {
      const base = side.pin();
      try {
        mark(`writes ${owner}`);
        mark(`wrote ${side.commitSync(base, Uint8Array.of(owner, owner))}`);
      } finally {
        base[Symbol.dispose]();
      }
    } else {
      mark(`writes ${owner}`);
      const options = act === "write soon" ? { timeout: 1 } : {};
      const epoch = side.updateSync(() => Uint8Array.of(owner, owner), options);
      mark(`wrote ${epoch}`);
    }
  } catch (error) {
    if (error instanceof OwnerReapedError) return mark("is shut out");
    if (error instanceof ConflictError) return mark("is late");
    if (!(error instanceof SlotTimeoutError || error instanceof LockTimeoutError)) throw error;
    mark("timed out");
  }
}

/** What is known from the way: who has written each epoch, and what each reader may find. */
interface Facts {
  /** The owner who wrote each epoch, as far as published. */
  readonly writers: readonly number[];
  /** The epoch that was current when each thread began its reading, or -1. */
  readonly since: readonly number[];
  /** Whether the first thread has been reaped, and whether it has published all the same. */
  readonly reaped: boolean;
  readonly late: boolean;
}

/** All threads in all orders: nobody finds half a version, a past one, or one that nobody wrote. */
function all(
  table: Table,
  threads: readonly Thread[],
  options: Partial<Search<Facts>> = {},
): Outcome {
  return explore<Facts>({
    words: table.words,
    threads,
    facts: { writers: [0], since: threads.map(() => -1), reaped: false, late: false },
    learn({ writers, since, reaped, late }, { thread, mark }, before, memory) {
      const epoch = table.epochIn(memory);
      if (epoch > writers.length - 1) {
        writers = [...writers, Number(mark.slice("writes ".length))];
        if (reaped && thread === 0) late = true;
      }
      const begins = mark === "begins" && before[thread] !== "begins";
      if (begins) since = since.with(thread, epoch);
      reaped ||= mark === "has reaped";
      return { writers, since, reaped, late };
    },
    check(marks, { writers, since, late }, ended, memory) {
      const current = table.epochIn(memory);
      if (current !== writers.length - 1) return `epoch ${current} came out of its turn`;
      if (late) return "one that had been reaped has published";
      for (const [thread, mark] of marks.entries()) {
        const counted = /^counts (\d+)$/.exec(mark)?.[1];
        if (Number(counted) < since[thread] || Number(counted) > current) {
          return `${mark}, from ${since[thread]} to ${current}`;
        }
        const found = /^found (\d+) (\d+) (\d+)$/.exec(mark)?.slice(1).map(Number);
        if (found === undefined) continue;
        const [epoch, x, y] = found;
        if (x !== y) return `half of one version and half of another: ${mark}`;
        if (x !== writers[epoch]) return `${mark}, which ${writers[epoch]} wrote`;
        if (epoch < since[thread]) return `${mark}, though ${since[thread]} was current before`;
      }
      if (!ended) return undefined;
      const [x, y] = table.valueIn(memory);
      const writer = writers[current];
      if (x !== writer || y !== writer) return `${x} ${y} is current, and ${writer} wrote it`;
      if (marks.includes("is dead")) return undefined;
      const kept = marks.includes("keeps");
      if (!kept && table.pinnedIn(memory) !== 0) return "a version is left pinned";
      return table.isTakenIn(memory) ? "the turn is left taken" : undefined;
    },
    ...options,
  });
}

function passes(outcome: Outcome): void {
  assert.equal(outcome.failure, undefined);
  assert(outcome.ends > 0 && outcome.states > 50, `explored only ${outcome.states} states`);
}

describe("SharedSnapshots at every interleaving", () => {
  const whole: [slots: number, ...acts: Act[][]][] = [
    [2, ["view"], ["write"]],
    [2, ["epoch"], ["write", "write"]],
    [2, ["pin"], ["write", "write"]],
    [2, ["view", "view"], ["write", "write"]],
    [3, ["view", "pin"], ["write", "write", "write"]],
    [2, ["pin"], ["write soon", "write soon"]],
    [2, ["keep"], ["write", "write"]],
    [2, ["write"], ["write"]],
    [3, ["write", "view"], ["write", "view"]],
  ];
  for (const [slots, ...acts] of whole) {
    const name = `${acts.map((list) => list.join(", ")).join(" beside ")}, ${slots} slots`;
    test(`nobody finds half a version or waits for ever: ${name}`, { timeout }, () => {
      const table = new Table(slots, acts.length + 1);
      const threads = acts.map((list, index) => table.thread(index + 1, list));
      const keeps = acts.flat().includes("keep");
      passes(all(table, threads, keeps ? { mayWait: (memory) => table.isFullIn(memory) } : {}));
    });
  }

  const bounded: [slots: number, ...acts: Act[][]][] = [
    [2, ["view"], ["pin"], ["write", "write"]],
    [2, ["pin", "view"], ["write"], ["write"]],
    [3, ["pin"], ["pin"], ["write", "write", "write"]],
    [2, ["pin"], ["write soon", "write soon"], ["write"]],
    [2, ["commit"], ["write", "write"]],
    [2, ["commit"], ["commit", "commit"]],
    [2, ["commit"], ["write"], ["write"]],
  ];
  for (const [slots, ...acts] of bounded) {
    const name = `${acts.map((list) => list.join(", ")).join(" beside ")}, ${slots} slots`;
    test(`the same with at most ${bound} preemptions: ${name}`, { timeout }, () => {
      const table = new Table(slots, acts.length + 1);
      const threads = acts.map((list, index) => table.thread(index + 1, list));
      passes(all(table, threads, { preemptions: bound }));
    });
  }
});

describe("SharedSnapshots.reap() at every interleaving", () => {
  /** Owner 1 acts, and is reaped: dead at some moment, or while it lives on; then its heir acts. */
  function reaps(
    slots: number,
    acts: readonly Act[],
    after: readonly Act[],
    dies: boolean,
    besides: readonly Act[][] = [],
    preemptions = bound,
  ): Outcome {
    const table = new Table(slots, besides.length + 2);
    const first = { ...table.thread(1, acts), mortal: dies };
    const others = besides.map((list, index) => table.thread(index + 2, list));
    let side: SharedSnapshots;
    const reaper: Thread = {
      name: "the reaper",
      begins: (marks) => !dies || marks[0] === "is dead",
      prepare() {
        table.words[48] = 0;
        side = SharedSnapshots.attach(table.snapshots.handle, { owner: 0 });
      },
      acts: [(mark) => {
        mark("reaps");
        side.reap(1);
        mark("has reaped");
        pause(side);
        for (const act of after) perform(side, act, 0, mark);
        const heir = SharedSnapshots.attach(table.snapshots.handle, { owner: 1 });
        for (const act of after) perform(heir, act, 7, mark);
      }],
    };
    return all(table, [first, ...others, reaper], {
      preemptions,
    });
  }

  for (const dies of [true, false]) {
    const what = dies ? "has died at any moment" : "lives on";
    // Of what it reads by a pin in its hands nobody can tell one that lives on when it is reaped.
    const reads = dies ? "pin" : "view";

    test(`frees what a reader had pinned that ${what}`, { timeout }, () => {
      passes(reaps(2, [reads], ["write", "write"], dies));
      passes(reaps(2, [reads], [], dies, [["write", "write"]], dies ? 0 : bound));
    });

    test(`leaves the last version of a writer that ${what}, and the turn to others`, {
      timeout,
    }, () => {
      passes(reaps(3, ["write"], ["write", "view"], dies));
      passes(reaps(3, ["write"], ["view"], dies, [["write"]], dies ? 0 : bound));
      // Four slots: with three, one that is looked at leaves only the one it may still be copying to.
      passes(reaps(4, ["write"], ["write"], dies, [["view"]], dies ? 0 : bound));
    });
  }

  test("cannot help one that lives on and reads what it had in its hands", { timeout }, () => {
    const { failure } = reaps(2, ["pin"], ["write", "write"], false);
    assert.match(failure!, /^found 0 (\d) (\d), which 0 wrote|^half of one version and half/);
  });

  test("cannot help one that lives on in the only slot that there is", { timeout }, () => {
    // It goes on copying into the slot, and there is no other to take instead of it.
    const { failure } = reaps(2, ["write"], ["write", "view"], false, [], 2);
    assert.match(failure!, /^half of one version and half of another/);
  });
});
