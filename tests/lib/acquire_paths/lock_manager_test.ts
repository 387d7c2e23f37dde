/**
 * `LockManager.request()`, given up at every step. What is raced is in `_races.ts`. As the
 * specification has it, and unlike the other locks, an abort counts until the callback is called.
 */
import { describe, test } from "node:test";
import { LockManager, type LockRequestMode } from "../../../lib/lock_manager.ts";
import type { LockMode } from "../../../mod.ts";
import { expectAllSafe, expectBroken, racesOf } from "./_races.ts";
import type { Leave, Scene } from "./_stage.ts";
import { raced } from "./_twins.ts";

const timeout = 120_000;
const name = "name";

/** Requests a lock; answers how to end its callback, once that is `called`. */
type Ask = (
  locks: LockManager,
  mode: LockRequestMode,
  called: () => void,
  signal?: AbortSignal,
) => Promise<Leave>;

const ask: Ask = (locks, mode, called, signal) =>
  new Promise((resolve, reject) => {
    const options = signal === undefined ? { mode } : { mode, signal };
    const done = locks.request(name, options, () => {
      called();
      return new Promise<void>((end) => resolve(end));
    });
    done.catch(reject);
  });

/** Gives up by itself, with its request still under way. */
const ghostly: Ask = (locks, mode, called, signal) =>
  raced(() => ask(locks, mode, called), { signal });

/** Heeds no abort once nobody else holds the lock. */
const deaf: Ask = async (locks, mode, called, signal) => {
  const { held } = await locks.query();
  return await ask(locks, mode, called, held.length === 0 ? undefined : signal);
};

const modeOf = (mode: LockRequestMode): LockMode => mode === "shared" ? "read" : "write";

function requesting(
  asking: Ask,
  before: LockRequestMode,
  asks: LockRequestMode,
  follows: LockRequestMode,
): () => Scene {
  return () => {
    const locks = new LockManager();
    const ended = Promise.withResolvers<void>();
    locks.request(name, { mode: before }, () => ended.promise);
    let called = false;
    return {
      modes: { before: modeOf(before), asks: modeOf(asks), follows: modeOf(follows) },
      ask: ({ signal }) => asking(locks, asks, () => called = true, signal),
      follow: () => ask(locks, follows, () => {}),
      free: () => ended.resolve(),
      granted: () => called,
      still: async () => {
        const { held, pending: [next] } = await locks.query();
        const open = held.length === 0 ||
          next?.mode === "shared" && held.every(({ mode }) => mode === "shared");
        return next !== undefined && open ? "a request waits for a lock that is open" : undefined;
      },
      empty: async () => {
        const { held, pending } = await locks.query();
        if (held.length > 0) return "somebody still holds the lock";
        return pending.length > 0 ? "somebody still waits" : undefined;
      },
    };
  };
}
const modes = ["shared", "exclusive"] as const;

describe("LockManager.request(), given up at every step", { timeout }, () => {
  for (const before of modes) {
    test(`loses nobody and leaves nothing behind a lock held ${before}`, { timeout }, async () => {
      for (const asks of modes) {
        for (const follows of modes) {
          const scene = requesting(ask, before, asks, follows);
          await expectAllSafe(racesOf(`${asks} behind ${before}`, scene, { turns: 5 }));
        }
      }
    });
  }
});

describe("the races notice a LockManager that", { timeout }, () => {
  test("grants a lock to a request that was given up", { timeout }, async () => {
    const scene = requesting(ghostly, "shared", "exclusive", "shared");
    await expectBroken(racesOf("ghostly", scene), /the one who follows waits for ever/);
  });

  test("heeds no abort between grant and callback", { timeout }, async () => {
    const scene = requesting(deaf, "shared", "exclusive", "shared");
    await expectBroken(racesOf("deaf", scene), /an abort in time was not heeded/);
  });
});
