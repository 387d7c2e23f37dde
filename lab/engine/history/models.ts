/**
 * Sequential models of the usual objects.
 *
 * Calls that only change something need not answer: `undefined` is then what they answer whatever
 * they did. Calls that ask are held to their answer.
 */
import { acknowledged, answered, ILLEGAL, type Model, type ModelCall, same } from "./model.ts";

/**
 * A register: `read` answers what the last `write` was given.
 *
 * @param initial What it holds at first.
 */
export function register(initial: unknown = null): Model {
  return {
    name: "register",
    initial,
    operations: ["read", "write"],
    observes: ({ name }) => name === "read",
    helps: (_, { output }, { input }) => same(input, output),
    step: (value, call) =>
      call.name === "write" ? call.input : answered(call, value) ? value : ILLEGAL,
  };
}

/** The input of a `cas`. */
type Pair = readonly [expected: unknown, next: unknown];

/**
 * A register that also has `cas` with an input of `[expected, next]`. It answers `true` if the
 * register held `expected` and now holds `next`, `false` if it held something else and still does.
 *
 * @param initial What it holds at first.
 */
export function casRegister(initial: unknown = null): Model {
  const { step } = register(initial);
  return {
    name: "compare-and-set register",
    initial,
    operations: ["read", "write", "cas"],
    observes: ({ name, output }) => name === "read" || output === false,
    helps(_, wanted, { name, input }) {
      const next = name === "cas" ? (input as Pair)[1] : input;
      if (wanted.name === "read") return same(next, wanted.output);
      return same(next, (wanted.input as Pair)[0]) !== (wanted.output === false);
    },
    step(value, call) {
      if (call.name !== "cas") return step(value, call);
      const [expected, next] = call.input as Pair;
      const swapped = same(value, expected);
      if (!call.open && swapped !== (call.output ?? true)) return ILLEGAL;
      return swapped ? next : value;
    },
  };
}

/**
 * A counter: `add` adds its input, `increment` and `decrement` their input or 1; what they answer,
 * if anything, is the value afterwards. `read` answers the value.
 *
 * @param initial The value at first.
 */
export function counter(initial: number = 0): Model<number> {
  return {
    name: "counter",
    initial,
    operations: ["read", "add", "increment", "decrement"],
    observes: ({ name }) => name === "read",
    helps(value, wanted, call) {
      const before = wanted.output as number - (wanted.name === "read" ? 0 : amountOf(wanted));
      return before > value ? amountOf(call) > 0 : amountOf(call) < 0;
    },
    step(value, call) {
      if (call.name === "read") return answered(call, value) ? value : ILLEGAL;
      const next = value + amountOf(call);
      return acknowledged(call, next) ? next : ILLEGAL;
    },
  };
}

/** What a call adds to a counter. */
function amountOf({ name, input }: ModelCall): number {
  const amount = (input ?? 1) as number;
  return name === "decrement" ? -amount : amount;
}

/**
 * One key of a store of texts: `get` answers the text, `put` replaces it, `append` adds to its end.
 * The calls name their key as their object.
 *
 * @param initial What a key holds at first.
 */
export function keyValue(initial: string | null = ""): Model<string | null> {
  return {
    name: "key-value store",
    initial,
    operations: ["get", "put", "append"],
    observes: ({ name }) => name === "get",
    helps(value, { output }, { name, input }) {
      // An answer begins with the present text, or with one that is put: appends then add to it.
      const start = name === "put" ? input as string : value ?? "";
      return same(start, output) || (typeof output === "string" && output.startsWith(start));
    },
    step(value, call) {
      if (call.name === "put") return call.input as string;
      if (call.name === "append") return (value ?? "") + (call.input as string);
      return answered(call, value) ? value : ILLEGAL;
    },
  };
}

/** A queue, first in, first out: `dequeue` answers nothing, `null` or `undefined`, if it is empty. */
export function queue(): Model<readonly unknown[]> {
  return {
    name: "queue",
    initial: [],
    operations: ["enqueue", "dequeue"],
    helps(items, { output }, call) {
      const place = items.findIndex((item) => same(item, output));
      // What is not in it must be put in; what is, is waiting for what stands before it.
      if (place < 0 && output != null) return call.name === "enqueue" && same(call.input, output);
      return call.name === "dequeue" && answered(call, items[Math.max(0, place - 1)]);
    },
    step(items, call) {
      if (call.name === "enqueue") return [...items, call.input];
      if (items.length === 0) return call.open || call.output == null ? items : ILLEGAL;
      return answered(call, items[0]) ? items.slice(1) : ILLEGAL;
    },
  };
}

/** What holds a mutex: its owner, if the calls name one. */
export type Holder = readonly [owner: unknown];

/**
 * A lock for one: `acquire` and `release`. An input names the owner; a release by any other is then
 * illegal. An `acquire` that answers `false` was a try, and the lock was held.
 */
export function mutex(): Model<Holder | null> {
  return {
    name: "mutex",
    initial: null,
    operations: ["acquire", "release"],
    observes: ({ output }) => output === false,
    helps: (holder, _, { name }) => name === (holder === null ? "acquire" : "release"),
    step(holder, call) {
      if (call.name === "release") {
        return holder !== null && same(holder[0], call.input) ? null : ILLEGAL;
      }
      if (call.output === false) return holder === null ? ILLEGAL : holder;
      if (holder === null) return [call.input];
      return ILLEGAL;
    },
  };
}

/** Who is inside a reader-writer lock. */
export interface Inside {
  /** How many readers. */
  readonly readers: number;
  /** How many writers, 0 or 1. */
  readonly writers: number;
}

/** Who is inside after each call. */
const CHANGES: Record<string, (inside: Inside) => Inside> = {
  acquireRead: ({ readers, writers }) => ({ readers: readers + 1, writers }),
  releaseRead: ({ readers, writers }) => ({ readers: readers - 1, writers }),
  acquireWrite: ({ readers, writers }) => ({ readers, writers: writers + 1 }),
  releaseWrite: ({ readers, writers }) => ({ readers, writers: writers - 1 }),
  upgrade: ({ readers, writers }) => ({ readers: readers - 1, writers: writers + 1 }),
  downgrade: ({ readers, writers }) => ({ readers: readers + 1, writers: writers - 1 }),
};

/**
 * A lock for many readers or one writer: `acquireRead`, `releaseRead`, `acquireWrite`,
 * `releaseWrite`, `upgrade` from reader to writer and `downgrade` back. An acquisition or upgrade
 * that answers `false` was a try that found the lock held; since fair locks also refuse a reader
 * where a writer waits, any holder will do.
 */
export function readWriteLock(): Model<Inside> {
  return {
    name: "reader-writer lock",
    initial: { readers: 0, writers: 0 },
    operations: Object.keys(CHANGES),
    observes: ({ output }) => output === false,
    step(inside, call) {
      const { readers, writers } = inside;
      if (call.output === false) return readers + writers > 0 ? inside : ILLEGAL;
      const next = CHANGES[call.name](inside);
      if (next.readers < 0 || next.writers < 0) return ILLEGAL;
      return next.writers === 0 || (next.writers === 1 && next.readers === 0) ? next : ILLEGAL;
    },
  };
}

/**
 * A set: `add` and `remove` answer whether they changed anything, or nothing; `has` answers whether
 * its input is in it, and `read` all that is, as an array in any order or as a `Set`.
 */
export function set(): Model<ReadonlySet<unknown>> {
  return {
    name: "set",
    initial: new Set(),
    operations: ["add", "remove", "has", "read"],
    observes: ({ name, output }) => name === "has" || name === "read" || output === false,
    helps: (_, wanted, { input }) => wanted.name === "read" || same(input, wanted.input),
    step(members, call) {
      if (call.name === "read") {
        return call.open || sameMembers(members, call) ? members : ILLEGAL;
      }
      const member = [...members].find((each) => same(each, call.input));
      const present = member !== undefined || members.has(call.input);
      if (call.name === "has") return answered(call, present) ? members : ILLEGAL;
      const adds = call.name === "add";
      if (!acknowledged(call, adds !== present)) return ILLEGAL;
      if (adds === present) return members;
      const next = new Set(members);
      if (adds) next.add(call.input);
      else next.delete(member);
      return next;
    },
  };
}

function sameMembers(members: ReadonlySet<unknown>, { output }: ModelCall): boolean {
  return Array.isArray(output)
    ? new Set(output).size === output.length && same(members, new Set(output))
    : same(members, output);
}
