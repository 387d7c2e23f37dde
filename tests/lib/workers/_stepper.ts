/**
 * Explores the library's own code at every interleaving of its atomic operations, in one isolate.
 *
 * A thread here is a list of acts, each a deterministic program that leaves nothing behind but
 * what is in shared memory. Where a thread stands is its act and the results its atomic
 * operations had in it. To move it by one operation the act is run again from its start with a
 * stand-in for `Atomics` that answers from that list, carries out the one new operation on the
 * memory, and throws at the next. So positions can be kept, compared and gone back to, and the
 * code under test needs no change: it calls `Atomics` as ever. Two positions are the same when
 * memory and all threads' results are; each is visited once.
 */
import { type Host, withHost } from "../../../lib/_host.ts";

/** A thread. */
export interface Thread {
  readonly name: string;
  /** Makes ready what the acts use, with no trace in memory; called before each move. */
  readonly prepare?: () => void;
  /** What it does, one after the other; `mark` notes where it is, for the invariant. */
  readonly acts: readonly ((mark: (text: string) => void) => void)[];
  /** Whether its waits may time out at any moment; all of them must have a timeout then. */
  readonly impatient?: boolean;
  /** Whether it may begin yet, given the marks of all. */
  readonly begins?: (marks: readonly string[]) => boolean;
  /** Whether it may stop for ever at any moment. */
  readonly mortal?: boolean;
}

/** An operation that has just been carried out. */
export interface Move {
  readonly thread: number;
  readonly operation: string;
  readonly at: number;
  /** The mark the thread has now. */
  readonly mark: string;
}

/** What is to be searched, and how far. */
export interface Search<Facts> {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly threads: readonly Thread[];
  /** What is known from the way here and not from memory, and how a move changes it. */
  readonly facts: Facts;
  readonly learn?: (
    facts: Facts,
    move: Move,
    marks: readonly string[],
    memory: Int32Array,
  ) => Facts;
  /** Says what is wrong, if anything is; `ended` when nothing moves any more. */
  readonly check: (
    marks: readonly string[],
    facts: Facts,
    ended: boolean,
    memory: Int32Array,
  ) => string | undefined;
  /** Whether those who sleep when all do may sleep for ever. */
  readonly mayWait?: (memory: Int32Array) => boolean;
  /** How often a thread may be interrupted that could run on; without it, as often as possible. */
  readonly preemptions?: number;
}

/** What a search came to. */
export interface Outcome {
  readonly states: number;
  readonly ends: number;
  /** The first violation, and the moves that lead to it. */
  readonly failure?: string;
}

type Result = number | bigint | string;
type Words = Int32Array<SharedArrayBuffer>;

interface Position<Facts> {
  readonly memory: Int32Array;
  readonly acts: readonly number[];
  readonly logs: readonly (readonly Result[])[];
  /** The word each thread sleeps on, or -1. */
  readonly asleep: readonly number[];
  readonly dead: readonly boolean[];
  readonly marks: readonly string[];
  readonly facts: Facts;
  readonly last: number;
  readonly left: number;
  readonly path: Path | undefined;
}

interface Path {
  readonly move: string;
  readonly before: Path | undefined;
}

/** Unwinds an act at its next operation. */
const STOP: unique symbol = Symbol("stop");

/** Runs acts by one operation. Only one is made per search: it takes the place of `Atomics`. */
class Machine {
  log: Result[] = [];
  mark = "";
  ended = false;
  sleeping = -1;
  woken: number[] = [];
  operation = "";
  at = -1;
  #position = 0;
  #fresh = true;
  #stopped = false;
  #late = false;
  /** While something is made ready, operations are just carried out. */
  #free = false;
  readonly #real = Atomics;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #host = { now: () => this.#late ? 1e6 : 0 } as unknown as Host;
  readonly #fake = {
    load: (on: Words, at: number) =>
      this.#step("load", at, () => this.#real.load(this.#of(on), at)),
    store: (on: Words, at: number, value: number) =>
      this.#step("store", at, () => this.#real.store(this.#of(on), at, value)),
    add: (on: Words, at: number, value: number) =>
      this.#step("add", at, () => this.#real.add(this.#of(on), at, value)),
    compareExchange: (on: Words, at: number, old: number, value: number) =>
      this.#step("swap", at, () => this.#real.compareExchange(this.#of(on), at, old, value)),
    notify: (_on: Words, at: number) =>
      this.#step("notify", at, () => {
        this.woken.push(at);
        return 0;
      }),
    wait: (on: Words, at: number, seen: number) =>
      this.#step("wait", at, () => {
        if (this.#real.load(this.#of(on), at) !== seen) return "not-equal";
        this.sleeping = at;
        return "ok";
      }),
  };
  /** What `new Int32Array(memory)` answers: a plain read is an operation too. */
  readonly #view: Words;
  /** What `new Uint8Array(memory, …)` answers: each byte is read or written by itself. */
  readonly #Bytes: typeof Uint8Array;

  constructor(words: Words) {
    this.#words = words;
    this.#view = new Proxy(words, {
      get: (target, name) => {
        const at = typeof name === "string" ? Number(name) : NaN;
        if (Number.isNaN(at)) return Reflect.get(target, name, target);
        return this.#constant(at) ? target[at] : this.#step("read", at, () => target[at]);
      },
    });
    const Real = Uint8Array;
    const bytes = (view: Uint8Array) =>
      new Proxy(view, {
        get: (target, name) => {
          const at = typeof name === "string" ? Number(name) : NaN;
          if (!Number.isNaN(at)) return this.#step("read byte", at, () => target[at]);
          if (name === "set") return (source: Uint8Array) => this.#copy(source, target);
          return Reflect.get(target, name, target);
        },
      });
    this.#Bytes = Object.assign(function (...args: [ArrayBuffer, number, number]) {
      const view = new Real(...args);
      return view.buffer as unknown === words.buffer ? bytes(view) : view;
    }, { prototype: Real.prototype, of: Real.of.bind(Real) }) as unknown as typeof Uint8Array;
  }

  #copy(source: Uint8Array, target: Uint8Array): void {
    for (let at = 0; at < source.length; at++) {
      this.#step("write byte", at, () => target[at] = source[at]);
    }
  }

  #of(on: Words): Words {
    return on === this.#view ? this.#words : on;
  }

  /** The header never changes, so to read it is no operation. */
  #constant(at: number): boolean {
    return at < 16;
  }

  #pretend<R>(fn: () => R): R {
    const world = globalThis as { Atomics: unknown; Int32Array: unknown; Uint8Array: unknown };
    const { Atomics, Int32Array, Uint8Array } = world;
    const view = this.#view;
    world.Int32Array = function () {
      return view;
    };
    world.Uint8Array = this.#Bytes;
    world.Atomics = this.#fake;
    try {
      return withHost(this.#host, fn);
    } finally {
      world.Atomics = Atomics;
      world.Int32Array = Int32Array;
      world.Uint8Array = Uint8Array;
    }
  }

  prepare(thread: Thread): void {
    this.#free = true;
    this.#pretend(() => thread.prepare?.());
    this.#free = false;
  }

  run(act: Thread["acts"][number], log: readonly Result[], woken: Result | undefined): void {
    this.log = woken === undefined ? [...log] : [...log, woken];
    this.mark = "";
    this.ended = false;
    this.sleeping = -1;
    this.woken = [];
    this.operation = woken === undefined ? "" : String(woken);
    this.at = -1;
    this.#position = 0;
    this.#fresh = woken === undefined;
    this.#stopped = false;
    this.#late = false;
    try {
      this.#pretend(() => act((text) => this.#note(text)));
      this.ended = !this.#stopped;
    } catch (error) {
      // Once it is stopped it unwinds, and what that throws may be wrapped on the way.
      if (!this.#stopped) throw error;
    }
  }

  #note(text: string): void {
    if (!this.#stopped) this.mark = text;
  }

  #step(operation: string, at: number, carryOut: () => Result): Result {
    if (this.#free) return carryOut();
    // An act that is unwound runs its `finally` blocks; nothing they do may happen.
    if (this.#stopped) throw STOP;
    if (this.#position < this.log.length) {
      const result = this.log[this.#position++];
      if (result === "timed-out") this.#late = true;
      return result;
    }
    this.#stopped = !this.#fresh;
    if (this.#stopped) throw STOP;
    this.#fresh = false;
    const result = carryOut();
    this.operation = operation;
    this.at = at;
    this.#stopped = this.sleeping >= 0;
    if (this.#stopped) throw STOP;
    this.log.push(result);
    this.#position++;
    return result;
  }
}

/** Searches all interleavings, within the bound on preemptions if there is one. */
export function explore<Facts>(search: Search<Facts>): Outcome {
  const { words, threads, check, learn, preemptions } = search;
  const machine = new Machine(words);
  type Here = Position<Facts>;

  const over = (here: Here, index: number): boolean =>
    here.dead[index] || here.acts[index] === threads[index].acts.length;
  const waits = (here: Here, index: number): boolean =>
    here.acts[index] === 0 && here.logs[index].length === 0 &&
    threads[index].begins?.(here.marks) === false;

  const move = (here: Here, index: number, woken?: Result): Here => {
    const thread = threads[index];
    machine.prepare(thread);
    words.set(here.memory);
    const act = here.acts[index];
    machine.run(thread.acts[act], here.logs[index], woken);
    const { log, mark, ended, sleeping, operation, at } = machine;
    const logs = here.logs.with(index, ended ? [] : log);
    const asleep = here.asleep.with(index, sleeping);
    for (let other = 0; other < threads.length; other++) {
      if (other === index || !machine.woken.includes(asleep[other])) continue;
      asleep[other] = -1;
      logs[other] = [...logs[other], "ok"];
    }
    const marks = here.marks.with(index, mark);
    const memory = new Int32Array(words);
    const done = { thread: index, operation, at, mark };
    return {
      memory,
      acts: ended ? here.acts.with(index, act + 1) : here.acts,
      logs,
      asleep,
      dead: here.dead,
      marks,
      facts: learn?.(here.facts, done, here.marks, memory) ?? here.facts,
      last: index,
      left: here.left,
      path: { move: `${thread.name} ${operation}[${at}] ${mark}`, before: here.path },
    };
  };
  const kill = (here: Here, index: number): Here => ({
    ...here,
    asleep: here.asleep.with(index, -1),
    dead: here.dead.with(index, true),
    marks: here.marks.with(index, "is dead"),
    path: { move: `${threads[index].name} dies`, before: here.path },
  });
  const key = (here: Here): string => {
    // Most of it is as it was at the start, in any position.
    let memory = "";
    here.memory.forEach((word, at) => {
      if (word !== start[at]) memory += `${at}:${word},`;
    });
    const logs = here.logs.map((log) => log.join()).join("/");
    const rest = [here.acts, here.asleep, here.dead, JSON.stringify(here.facts)].join("|");
    const bound = preemptions === undefined ? "" : `${here.last}:${here.left}`;
    return `${memory}${logs}|${rest}|${bound}`;
  };
  const tell = (here: Here, why: string): string => {
    const moves: string[] = [];
    for (let path = here.path; path !== undefined; path = path.before) moves.push(path.move);
    return `${why}\nafter\n  ${moves.reverse().join("\n  ")}`;
  };

  const every = <T>(value: T): T[] => threads.map(() => value);
  const stack: Here[] = [{
    memory: new Int32Array(words),
    acts: every(0),
    logs: every([]),
    asleep: every(-1),
    dead: every(false),
    marks: every(""),
    facts: search.facts,
    last: -1,
    left: preemptions ?? Infinity,
    path: undefined,
  }];
  const start = stack[0].memory;
  const seen = new Set<string>();
  let ends = 0;
  const outcome = (failure?: string): Outcome => {
    words.set(start);
    return { states: seen.size, ends, failure };
  };
  for (let here = stack.pop(); here !== undefined; here = stack.pop()) {
    const name = key(here);
    if (seen.has(name)) continue;
    seen.add(name);
    const next: Here[] = [];
    const { last } = here;
    const interrupts = last >= 0 && !over(here, last) && here.asleep[last] < 0 &&
      here.logs[last].length > 0;
    for (let index = 0; index < threads.length; index++) {
      if (over(here, index) || waits(here, index)) continue;
      const left = interrupts && index !== last ? here.left - 1 : here.left;
      if (left < 0) continue;
      if (threads[index].mortal) next.push({ ...kill(here, index), left });
      const asleep = here.asleep[index] >= 0;
      if (asleep && !threads[index].impatient) continue;
      next.push({ ...move(here, index, asleep ? "timed-out" : undefined), left });
    }
    const awake = threads.some((_, index) =>
      !over(here, index) && !waits(here, index) && here.asleep[index] < 0
    );
    const asleep = threads.filter((_, index) => here.asleep[index] >= 0);
    const wrong = check(here.marks, here.facts, !awake && asleep.length === 0, here.memory);
    if (wrong !== undefined) return outcome(tell(here, wrong));
    if (!awake && asleep.length > 0) {
      const stuck = asleep.filter((thread) => !thread.impatient && !thread.mortal);
      const names = stuck.map((thread) => thread.name).join(", ");
      const may = search.mayWait?.(here.memory) ?? false;
      if (stuck.length > 0 && !may) return outcome(tell(here, `${names} asleep for ever`));
    }
    if (!awake) ends++;
    stack.push(...next);
  }
  return outcome();
}
