/**
 * The checker on histories of what really happened: many processes at once on one object whose
 * operations take effect somewhere between invocation and return. They are linearizable, so that to
 * find them illegal, or not to come to an end, is a fault; and a wrong answer in them must be found.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Call,
  check,
  type Model,
  models,
  type OpenCall,
  recorder,
} from "../../../../lab/engine/history/mod.ts";
import { Prng } from "../../../../lab/engine/prng.ts";

const timeout = 60_000;

/** An object that works, and calls on it. */
interface Subject {
  readonly model: Model;
  /** What cannot be read from it. */
  readonly wrong: unknown;
  /** The call that asks, and cannot be answered with `wrong`. */
  readonly asks: string;
  /** A new object: each call of it draws a call to make, and answers what does it. */
  create(): (prng: Prng) => readonly [name: string, input: unknown, perform: () => unknown];
}

const subjects: readonly Subject[] = [
  {
    model: models.casRegister(0),
    wrong: "wrong",
    asks: "read",
    create() {
      let value = 0;
      return (prng) => {
        const [a, b] = [prng.below(8), prng.below(8)];
        const swap = () => value === a ? (value = b, true) : false;
        if (prng.below(3) === 0) return ["cas", [a, b], swap];
        return prng.below(2) === 0
          ? ["write", a, () => void (value = a)]
          : ["read", undefined, () => value];
      };
    },
  },
  {
    model: models.counter() as Model,
    wrong: -1,
    asks: "read",
    create() {
      let value = 0;
      return (prng) =>
        prng.below(2) === 0
          ? ["increment", undefined, () => ++value]
          : ["read", undefined, () => value];
    },
  },
  {
    model: models.keyValue() as Model,
    wrong: "wrong",
    asks: "get",
    create() {
      let value = "";
      let count = 0;
      return (prng) => {
        const text = `${count++};`;
        if (prng.below(20) === 0) return ["put", text, () => void (value = text)];
        return prng.below(2) === 0
          ? ["append", text, () => void (value += text)]
          : ["get", undefined, () => value];
      };
    },
  },
  {
    model: models.queue() as Model,
    wrong: "wrong",
    asks: "dequeue",
    create() {
      const items: number[] = [];
      let count = 0;
      return (prng) => {
        const item = count++;
        return prng.below(3) === 0
          ? ["enqueue", item, () => void items.push(item)]
          : ["dequeue", undefined, () => items.shift()];
      };
    },
  },
  {
    model: models.set() as Model,
    wrong: ["wrong"],
    asks: "read",
    create() {
      const members = new Set<number>();
      return (prng) => {
        const member = prng.below(6);
        const add = () => !members.has(member) && members.add(member) !== undefined;
        const kinds = [
          ["add", member, add],
          ["remove", member, () => members.delete(member)],
          ["has", member, () => members.has(member)],
          ["read", undefined, () => [...members]],
        ] as const;
        return kinds[prng.below(kinds.length)];
      };
    },
  },
];

/** A call under way. */
interface UnderWay {
  readonly process: number;
  readonly call: OpenCall;
  readonly perform: () => unknown;
  done: boolean;
  answer: unknown;
}

/**
 * What some processes did to an object. Some die in a call, before or after it took effect; others
 * take their places.
 */
function execute(
  subject: Subject,
  seed: number,
  { processes, calls, crashes }: { processes: number; calls: number; crashes: number },
): Call[] {
  const prng = new Prng(seed);
  const draw = subject.create();
  const { invoke, history } = bind(recorder());
  const idle = Array.from({ length: processes }, (_, process) => process);
  const busy: UnderWay[] = [];
  const waits = () => busy.length === 0 || (idle.length > 0 && prng.below(3) > 0);
  for (let started = 0, next = processes; started < calls || busy.length > 0;) {
    if (started < calls && waits()) {
      const [process] = idle.splice(prng.below(idle.length), 1);
      const [name, input, perform] = draw(prng);
      busy.push({ process, call: invoke(process, name, input), perform, done: false, answer: 0 });
      started++;
      continue;
    }
    const place = prng.below(busy.length);
    const each = busy[place];
    if (prng.below(1000) < crashes) {
      if (prng.below(2) === 0 && !each.done) each.perform();
      idle.push(next++);
    } else if (!each.done) {
      each.answer = each.perform();
      each.done = true;
      continue;
    } else {
      each.call.ok(each.answer);
      idle.push(each.process);
    }
    busy.splice(place, 1);
  }
  return history();
}

function bind(calls: ReturnType<typeof recorder>) {
  return {
    invoke: (process: number, name: string, input: unknown) => calls.invoke(process, name, input),
    history: () => calls.history(),
  };
}

/** The history with a wrong answer in it, about two thirds through. */
function spoil(history: readonly Call[], { asks, wrong }: Subject): [spoilt: Call, Call[]] {
  const asking = history.filter(({ name, outcome }) => name === asks && outcome === "ok");
  const call = asking[Math.floor(asking.length * 2 / 3)];
  const spoilt = { ...call, output: wrong };
  return [spoilt, history.map((each) => each === call ? spoilt : each)];
}

const sizes = [
  { processes: 3, calls: 100, crashes: 0 },
  { processes: 5, calls: 100, crashes: 30 },
];
const SEEDS = 5;

for (const subject of subjects) {
  describe(`check() of what happened to a ${subject.model.name}`, () => {
    for (const size of sizes) {
      const { processes, calls, crashes } = size;
      const what = `${calls} calls by ${processes} processes, ${crashes / 10} % crashing`;
      test(`finds an order: ${what}`, { timeout }, () => {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const { verdict } = check(execute(subject, seed, size), subject.model);
          assert.equal(verdict, "ok", `seed ${seed}`);
        }
      });

      test(`never lets a wrong answer pass: ${what}`, { timeout }, () => {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const [spoilt, history] = spoil(execute(subject, seed, size), subject);
          const result = check(history, subject.model);
          assert.equal(result.verdict, "illegal", `seed ${seed}`);
          if (result.verdict === "illegal") assert.equal(result.call, spoilt, `seed ${seed}`);
        }
      });
    }
  });
}
