/**
 * Deadlocks against what a deadlock is, which says nothing of graphs: a wait is one exactly if it, or
 * another, would still be there when everybody who need not wait has left, and those whom that lets
 * in, and so on.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  DeadlockDetector,
  DeadlockError,
  type DeadlockStep,
  type Guard,
  type LockMode,
  RwLock,
} from "../../mod.ts";
import { settle } from "../_fake_host.ts";
import { checkProperty } from "../_property.ts";
import { runs } from "../_runs.ts";

const limit = { timeout: runs(120_000, 1_200_000) };
const OWNERS = 5;
const LOCKS = 6;

interface Owner {
  readonly job: number;
}

/** An acquire, as it should stand and as it does. */
interface Attempt {
  readonly owner: Owner;
  readonly lock: number;
  readonly mode: LockMode;
  guard?: Guard;
  error?: unknown;
}

/** First come, first served: who is inside each lock, and who waits for it. */
class Model {
  readonly holders: Attempt[][];
  readonly queues: Attempt[][];

  constructor({ holders, queues }: Pick<Model, "holders" | "queues">) {
    this.holders = holders.map((attempts) => [...attempts]);
    this.queues = queues.map((attempts) => [...attempts]);
  }

  /** Whether one owner waits for another's place: inside, or before it in the queue. */
  blocks(attempt: Attempt, other: Attempt): boolean {
    const queue = this.queues[attempt.lock];
    const ahead = queue.slice(0, queue.indexOf(attempt));
    return [...this.holders[attempt.lock], ...ahead].includes(other) &&
      (attempt.mode === "write" || other.mode === "write");
  }

  come(attempt: Attempt): void {
    this.queues[attempt.lock].push(attempt);
    this.#admit(attempt.lock);
  }

  /** Takes one away that is inside or waits. */
  leave(attempt: Attempt): void {
    const { lock } = attempt;
    this.holders[lock] = this.holders[lock].filter((other) => other !== attempt);
    this.queues[lock] = this.queues[lock].filter((other) => other !== attempt);
    this.#admit(lock);
  }

  waits(owner: Owner): boolean {
    return this.queues.flat().some((attempt) => attempt.owner === owner);
  }

  /** Whether some wait though all who need not have left. */
  get isStuck(): boolean {
    const rest = new Model(this);
    for (;;) {
      const free = rest.holders.flat().find(({ owner }) => !rest.waits(owner));
      if (free === undefined) return rest.queues.flat().length > 0;
      rest.leave(free);
    }
  }

  #admit(lock: number): void {
    const [holders, queue] = [this.holders[lock], this.queues[lock]];
    while (queue.length > 0) {
      const [{ mode }] = queue;
      if (mode === "write" ? holders.length > 0 : holders.some(({ mode }) => mode === "write")) {
        return;
      }
      holders.push(queue.shift()!);
    }
  }
}

type Step =
  | { do: "acquire"; owner: number; lock: number; mode: LockMode }
  | { do: "release"; which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      owner: fc.nat(OWNERS - 1),
      lock: fc.nat(LOCKS - 1),
      mode: fc.constantFrom<LockMode>("read", "write", "write"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(9) }),
  },
);

/** Each step of a cycle is a wait that there is, for one in its way, who is the next to wait. */
function assertTrue(cycle: readonly DeadlockStep[], model: Model, closing: Attempt): void {
  assert.equal(cycle[0].waiter.owner, closing.owner);
  for (const [i, { lock, waiter, blocker, blockedBy }] of cycle.entries()) {
    const at = model.queues.findIndex((queue) => queue.some(({ owner }) => owner === waiter.owner));
    assert.equal(lock, `lock ${at}`);
    const wait = model.queues[at].find(({ owner }) => owner === waiter.owner)!;
    assert.equal(waiter.mode, wait.mode);
    const among = blockedBy === "holder" ? model.holders[at] : model.queues[at];
    assert(
      among.some((other) =>
        other.owner === blocker.owner && other.mode === blocker.mode && model.blocks(wait, other)
      ),
    );
    assert.equal(blocker.owner, cycle[(i + 1) % cycle.length].waiter.owner);
  }
}

test("DeadlockDetector refuses a wait exactly if somebody would wait for ever", limit, async () => {
  const seen = { refused: 0, longest: 0 };
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 60 }),
    async (steps) => {
      const detector = new DeadlockDetector();
      const locks = Array.from(
        { length: LOCKS },
        (_, i) => detector.watch(new RwLock(), `lock ${i}`),
      );
      const owners: Owner[] = Array.from({ length: OWNERS }, (_, job) => ({ job }));
      const model = new Model({ holders: locks.map(() => []), queues: locks.map(() => []) });
      const compare = async () => {
        await settle();
        for (const attempt of model.holders.flat()) assert(attempt.guard, "it is inside");
        for (const { guard, error } of model.queues.flat()) {
          assert.deepEqual([guard, error], [undefined, undefined], "it waits");
        }
      };
      const release = async (attempt: Attempt) => {
        model.leave(attempt);
        attempt.guard!.release();
        await compare();
      };
      for (const step of steps) {
        if (step.do === "release") {
          const inside = model.holders.flat().filter(({ owner }) => !model.waits(owner));
          if (inside.length > 0) await release(inside[step.which % inside.length]);
          continue;
        }
        const { lock, mode } = step;
        const owner = owners[step.owner];
        if (model.waits(owner)) continue;
        const attempt: Attempt = { owner, lock, mode };
        locks[lock][mode]({ owner }).then(
          (guard) => attempt.guard = guard,
          (error) => attempt.error = error,
        );
        model.come(attempt);
        if (model.isStuck) {
          await settle();
          assert(attempt.error instanceof DeadlockError, "it would wait for ever");
          const { cycle } = attempt.error;
          assertTrue(cycle, model, attempt);
          model.leave(attempt);
          seen.refused++;
          seen.longest = Math.max(seen.longest, cycle.length);
        }
        await compare();
      }
      for (;;) {
        const inside = model.holders.flat().find(({ owner }) => !model.waits(owner));
        if (inside === undefined) break;
        await release(inside);
      }
      for (const lock of locks) assert.deepEqual(lock.query(), { holders: [], waiters: [] });
    },
  );
  await checkProperty(property, "tests/lib/deadlock_property_test.ts");
  // In 300 runs some twenty cycles have three parties or more: chance does not leave none.
  assert(seen.refused > 100 && seen.longest > 2, JSON.stringify(seen));
});
