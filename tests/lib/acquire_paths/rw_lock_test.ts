/**
 * `RwLock`: every way in, under every policy, given up at every step. What is raced is in `_races.ts`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type AcquireOptions,
  DeadlockDetector,
  type LockMode,
  type LockPolicy,
  RwLock,
} from "../../../mod.ts";
import { occupied, stranded } from "./_left.ts";
import { expectAllSafe, expectBroken, racesOf } from "./_races.ts";
import type { Limits, Scene } from "./_stage.ts";
import { forgetful, hasty, listening, raced, type RaceLock, ticking, undrained } from "./_twins.ts";

const timeout = 120_000;
const policies = ["fair", "read-preferring", "write-preferring"] as const;
const modes = ["read", "write"] as const;

type Make = (policy: LockPolicy) => RaceLock;

const ours: Make = (policy) => new RwLock({ policy });

/** What both scenes have in common. */
function over(lock: RaceLock, policy: LockPolicy) {
  return { still: () => stranded(lock, policy), empty: () => occupied(lock) };
}

interface Acquire {
  readonly before: LockMode;
  readonly how: LockMode | "upgradable";
  readonly follows: LockMode;
  readonly policy: LockPolicy;
}

function acquiring(make: Make, { before, how, follows, policy }: Acquire): () => Scene {
  return () => {
    const lock = make(policy);
    const holder = before === "write" ? lock.tryWrite()! : lock.tryRead()!;
    return {
      modes: { before, asks: how === "write" ? "write" : "read", follows },
      ask: async (limits: Limits) => {
        const guard = await lock[how]({ ...limits, label: "asks" });
        return () => guard.release();
      },
      follow: async () => {
        const guard = await lock[follows]({ label: "follows" });
        return () => guard.release();
      },
      free: () => holder.release(),
      granted: () => lock.query().holders.some(({ label }) => label === "asks"),
      ...over(lock, policy),
    };
  };
}

function upgrading(make: Make, follows: LockMode, policy: LockPolicy): () => Scene {
  return () => {
    const lock = make(policy);
    const holder = lock.tryRead()!;
    const mine = lock.upgradable({ label: "asks" });
    let writes = false;
    let wrong: string | undefined;
    return {
      modes: { before: "read", asks: "write", follows },
      ask: async (limits) => {
        const guard = await mine;
        try {
          await guard.upgrade(limits);
          return () => guard.release();
        } catch (error) {
          assert.equal(guard.mode, "read", "a reader as before");
          wrong ??= stranded(lock, policy);
          guard.release();
          throw error;
        }
      },
      follow: async () => {
        const guard = await lock[follows]({ label: "follows" });
        return () => guard.release();
      },
      free: () => holder.release(),
      granted: () => {
        const me = lock.query().holders.find(({ label }) => label === "asks");
        return writes ||= me?.mode === "write";
      },
      ...over(lock, policy),
      still: () => wrong ?? stranded(lock, policy),
    };
  };
}

/** A lock whose acquires are given up by whoever waits for them, and not by the lock. */
function wrapped(
  give: <T>(acquire: () => Promise<T>, limits: AcquireOptions) => Promise<T>,
): Make {
  return (policy) => {
    const lock = ours(policy);
    const acquire =
      (how: "read" | "write" | "upgradable") =>
      ({ timeout, signal, ...names }: AcquireOptions = {}) =>
        give(() => lock[how](names) as Promise<never>, { timeout, signal });
    return {
      read: acquire("read"),
      write: acquire("write"),
      upgradable: acquire("upgradable"),
      tryRead: () => lock.tryRead(),
      tryWrite: () => lock.tryWrite(),
      query: () => lock.query(),
    };
  };
}

interface Twin {
  readonly name: string;
  readonly make: Make;
  /** What the races say of it. */
  readonly says: RegExp;
  /** Under which policies it is broken, if not under all. */
  readonly under?: readonly LockPolicy[];
}

const twins: readonly Twin[] = [{
  name: "is granted to a ghost",
  make: wrapped(raced),
  says: /the one who follows waits for ever|the one who asks still holds/,
}, {
  name: "loses what was granted before it aborted",
  make: wrapped(forgetful),
  says: /a grant was lost|the one who asks still holds/,
}, {
  name: "is not drained when a waiter leaves",
  make: (policy) => undrained({ policy }),
  says: /the one who follows is left out of a lock that is open/,
  // Readers do not wait for a waiting writer where they are preferred.
  under: ["fair", "write-preferring"],
}, {
  name: "keeps a timer",
  make: (policy) => ticking({ policy }),
  says: /1 timers are pending/,
}, {
  name: "keeps a listener",
  make: (policy) => listening({ policy }),
  says: /1 listeners are left/,
}];

describe("RwLock, given up at every step", { timeout }, () => {
  for (const policy of policies) {
    test(`read(), write() and upgradable() of a ${policy} lock lose nobody and leave nothing`, {
      timeout,
    }, async () => {
      let orders = 0;
      for (const before of modes) {
        for (const how of [...modes, "upgradable"] as const) {
          for (const follows of modes) {
            const name = `${policy} ${how} after ${before} before ${follows}`;
            const scene = acquiring(ours, { before, how, follows, policy });
            orders += await expectAllSafe(racesOf(name, scene));
          }
        }
      }
      assert(orders > 3000, `only ${orders} orders were run`);
    });

    test(`upgrade() in a ${policy} lock loses nobody and leaves nothing`, {
      timeout,
    }, async () => {
      for (const follows of modes) {
        const name = `${policy} upgrade before ${follows}`;
        await expectAllSafe(racesOf(name, upgrading(ours, follows, policy)));
      }
    });
  }

  test("write() of a lock that is watched for deadlocks loses nobody and leaves nothing", {
    timeout,
  }, async () => {
    const watched: Make = (policy) => {
      const lock = new RwLock({ policy });
      const upgradable = () => lock.upgradable();
      return Object.assign(new DeadlockDetector().watch(lock), { upgradable });
    };
    for (const how of modes) {
      const scene = acquiring(watched, { before: "write", how, follows: "write", policy: "fair" });
      await expectAllSafe(racesOf(`watched ${how}`, scene, { turns: 4 }));
    }
  });
});

describe("the races notice a lock that", { timeout }, () => {
  for (const { name, make, says, under = policies } of twins) {
    test(name, { timeout }, async () => {
      for (const policy of under) {
        const acquire = { before: "read", how: "write", follows: "read", policy } as const;
        await expectBroken(racesOf(name, acquiring(make, acquire)), says);
      }
    });
  }

  test("is not drained when an upgrade is given up", { timeout }, async () => {
    const scene = upgrading((policy) => undrained({ policy }), "read", "fair");
    await expectBroken(racesOf("undrained upgrade", scene), /the one who follows is left out/);
  });

  test("admits an upgrade beside a reader", { timeout }, async () => {
    const scene = upgrading((policy) => hasty({ policy }), "read", "fair");
    await expectBroken(
      racesOf("hasty upgrade", scene),
      /the one who asks is inside beside another/,
    );
  });
});
