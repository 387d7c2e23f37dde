/**
 * `FileLock`, given up at every step: in the queue of its process, on the way from there to the
 * flock, and while it is asked for again and again. What is raced is in `_races.ts`; the files and the
 * time are those of a simulation.
 */
import { describe, test } from "node:test";
import { type SimulatedProcess, Simulation } from "../../../lab/mod.ts";
import { FileLock, type FileLockOptions, type LockMode } from "../../../mod.ts";
import { occupied, stranded } from "./_left.ts";
import { expectAllSafe, expectBroken, racesOf } from "./_races.ts";
import type { Scene } from "./_stage.ts";
import { forgetful, raced, type RaceLock } from "./_twins.ts";

const timeout = 240_000;
const PATH = "/lock";
const GATE = "/lock.interlock-gate";

type Make = (options: FileLockOptions) => Pick<FileLock, keyof RaceLock & keyof FileLock>;

/** In which process the three are. */
interface Places {
  readonly before: "here" | "there";
  readonly follows: "here" | "yonder";
}

interface Acquire extends Places {
  readonly modes: Scene["modes"];
  readonly retry: number;
}

const ours: Make = (options) => new FileLock(PATH, options);

function acquiring(make: Make, { before, follows, modes, retry }: Acquire): () => Scene {
  return () => {
    const simulation = new Simulation();
    const here = simulation.process("here");
    const processes = { here, there: simulation.process(), yonder: simulation.process() };
    // The first pause is the timeout's or a poll's, as it is longer or shorter.
    const options = { retry: { min: retry, max: retry } };
    const lockIn = (process: SimulatedProcess) => process.build(() => new FileLock(PATH, options));
    const held = lockIn(processes[before]);
    const holder = modes.before === "write" ? held.tryWrite()! : held.tryRead()!;
    const lock = here.build(() => make(options));
    const other = lockIn(processes[follows]);
    const all = [held, lock, other];
    /** It has its place in the queue, and has not looked yet whether the file is free. */
    const looking = () =>
      lock.query().waiters[0]?.label === "asks" && lock.query().holders.length === 0 &&
      here.timers === 0;
    return {
      modes,
      host: here,
      ask: async (limits) => {
        const guard = await lock[modes.asks]({ ...limits, label: "asks" });
        return () => guard.release();
      },
      follow: async () => {
        const guard = await other[modes.follows]({ label: "follows" });
        return () => guard.release();
      },
      free: () => holder.release(),
      granted: () => lock.query().holders.some(({ label }) => label === "asks"),
      late: looking,
      pass: () => simulation.clock.advance() > 0,
      still: () => before === "here" && follows === "here" ? stranded(lock) : undefined,
      empty: () => {
        for (const each of all) {
          const left = occupied(each);
          if (left !== undefined) return left;
        }
        for (const path of [PATH, GATE]) {
          if (simulation.locks(path).length > 0) return `${path} is still locked`;
        }
        const { pending } = simulation.clock;
        return pending > 0 ? `${pending} timers are pending` : undefined;
      },
    };
  };
}

const modes = (before: LockMode, asks: LockMode, follows: LockMode) => ({ before, asks, follows });
const way = { turns: 2, passes: 1 };

describe("FileLock, given up at every step", { timeout }, () => {
  test("loses nobody and leaves nothing behind tasks of its process", { timeout }, async () => {
    const places = { before: "here", follows: "here", retry: 5 } as const;
    for (const each of [modes("read", "write", "read"), modes("write", "read", "write")]) {
      await expectAllSafe(racesOf("tasks", acquiring(ours, { ...places, modes: each }), way));
    }
  });

  for (const retry of [5, 20]) {
    test(`loses nobody and leaves nothing behind another process, asked every ${retry} ms`, {
      timeout,
    }, async () => {
      for (const follows of ["here", "yonder"] as const) {
        const each = { before: "there", follows, modes: modes("write", "write", "write") } as const;
        const name = `another process, ${follows} follows`;
        await expectAllSafe(racesOf(name, acquiring(ours, { ...each, retry }), way));
      }
    });
  }

  test("loses nobody and leaves nothing while another process waits too", {
    timeout,
  }, async () => {
    const each = {
      before: "here",
      follows: "yonder",
      modes: modes("read", "write", "read"),
    } as const;
    await expectAllSafe(racesOf("two processes wait", acquiring(ours, { ...each, retry: 5 }), way));
  });
});

/** A lock whose acquires are given up by whoever waits for them, and not by the lock. */
const wrapped = (give: typeof raced): Make => (options) => {
  const lock = ours(options);
  const acquire = (mode: LockMode): FileLock["read"] => ({ timeout, signal, ...names } = {}) =>
    give(() => lock[mode](names), { timeout, signal });
  return {
    read: acquire("read"),
    write: acquire("write"),
    tryRead: () => lock.tryRead(),
    tryWrite: () => lock.tryWrite(),
    query: () => lock.query(),
  };
};

describe("the races notice a lock of files that", { timeout }, () => {
  const each = {
    before: "there",
    follows: "here",
    modes: modes("write", "write", "write"),
  } as const;

  test("is granted to a ghost", { timeout }, async () => {
    const scene = acquiring(wrapped(raced), { ...each, retry: 5 });
    await expectBroken(racesOf("ghostly", scene, way), /the one who follows waits for ever/);
  });

  test("loses what was granted before it aborted", { timeout }, async () => {
    const scene = acquiring(wrapped(forgetful), { ...each, retry: 5 });
    await expectBroken(racesOf("forgetful", scene, way), /a grant was lost|still holds a lock/);
  });
});
