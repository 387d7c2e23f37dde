/**
 * The processor's own code under the lab: jobs, aborts, timeouts and shutdowns in every order that
 * the engine finds, in virtual time. Whatever the order, every place has come back, every job has one
 * end, and no timer is left. A twin that forgets the permit of a job that is aborted is caught by the
 * same check.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { expectSafe, explore, type ObjectKind, type Race, type World } from "../../../lab/mod.ts";
import { currentHost, type Host, type Timer, withHost } from "../../../lib/_host.ts";
import { Permits } from "../../../lib/processor/_permits.ts";
import { type JobOptions, Processor, type ShutdownReport } from "../../../lib/processor/mod.ts";
import { runs } from "../../_runs.ts";

const timeout = 300_000;

/** What a handler does: operations on what actors share, as the actor that requested the job. */
type Work = (signal: AbortSignal) => Promise<void>;

/** How much there is room for: one job runs, one waits. */
const PLACES = 2;

/** How many orders are run. */
const budget = runs(500, 10_000);

/** The host of now, with the timers in view that are set. */
function watched(timers: Set<Timer>): Host {
  const host = currentHost();
  return Object.assign(Object.create(host) as Host, {
    setTimer(callback: () => void, ms: number): Timer {
      const timer = host.setTimer(() => {
        timers.delete(timer);
        callback();
      }, ms);
      timers.add(timer);
      return timer;
    },
    clearTimer(timer: Timer): void {
      timers.delete(timer);
      host.clearTimer(timer);
    },
  });
}

/** A processor as actors share it. */
class Jobs {
  readonly processor: Processor;
  readonly timers = new Set<Timer>();
  readonly ends: string[] = [];
  report: ShutdownReport | undefined;
  readonly #controller = new AbortController();

  constructor() {
    const options = { workers: 1, queueLimit: PLACES - 1, grace: Infinity };
    this.processor = withHost(watched(this.timers), () => new Processor(options));
    this.processor.handle("work", (work: Work, { signal }) => work(signal));
    this.processor.handle("probe", () => {});
  }

  /** Answers how the job ended, once its handler has too. */
  async request(work: Work, options: JobOptions & { abortable?: boolean }): Promise<string> {
    let running: Promise<void> | undefined;
    const { abortable = false, ...rest } = options;
    if (abortable) rest.signal = this.#controller.signal;
    const { completed } = this.processor.request("work", (signal: AbortSignal) => {
      running = work(signal);
      return running;
    }, rest);
    let end: string;
    try {
      await completed;
      end = "done";
    } catch (error) {
      end = (error as Error).name;
    }
    this.ends.push(end);
    await running?.catch(() => {});
    return end;
  }

  /** A step of a handler. It counts as one of the processor's, for an abort before it is another. */
  look(): void {}

  abort(): void {
    this.#controller.abort();
  }

  async shutdown(ms: number): Promise<void> {
    this.report = await this.processor.shutdown({ timeout: ms });
  }

  /** What is wrong once everybody has finished. */
  verdict(requests: number): string | undefined {
    const { processor, ends } = this;
    const stats = processor.stats();
    if (ends.length !== requests) return `${ends.length} of ${requests} jobs have ended`;
    if (stats.queued + stats.active + stats.abandoned > 0) return "somebody is still counted";
    if (stats.done !== ends.filter((end) => end === "done").length) return "done is miscounted";
    if (this.timers.size > 0) return "a timer is left";
    if (this.report !== undefined) return undefined;
    for (let i = 0; i <= PLACES; i++) processor.request("probe");
    const room = processor.stats().accepted - stats.accepted;
    return room === PLACES ? undefined : `room for ${room} of ${PLACES} jobs: a place is lost`;
  }
}

const jobs: ObjectKind<Jobs, "request" | "look" | "abort" | "shutdown"> = {
  operations: { request: "write", look: "write", abort: "write", shutdown: "write" },
  tasks: () => new Jobs(),
};

/** Three who ask, of whom one has to wait and one finds no room at times, and what may come between. */
function race(name: string, others: (world: World) => Promise<void>, options: JobOptions[]): Race {
  return {
    name,
    build: (world) => {
      const shared = world.object("jobs", jobs);
      const work = async (signal: AbortSignal) => {
        await shared.look();
        signal.throwIfAborted();
        await shared.look();
      };
      return [
        ...options.map((each, i) => ({
          name: "ABC"[i],
          run: async () => void await shared.request(work, each),
        })),
        { name: "Z", run: () => others(world) },
      ];
    },
    check: (_, shared) => (shared.jobs as Jobs).verdict(options.length),
  };
}

const abortable = { abortable: true } as JobOptions;
const aborts = race(
  "aborts",
  (world) => world.object("jobs", jobs).abort(),
  [abortable, abortable, {}],
);

describe("permits and shutdowns, explored", { timeout }, () => {
  test("every place comes back whenever a signal aborts", { timeout }, async () => {
    const { evidence } = await expectSafe(aborts, { budget });
    assert(evidence.orders >= 50);
  });

  test("a processor that loses the permit of an aborted job is caught by the same check", {
    timeout,
  }, async () => {
    const { release } = Permits.prototype;
    const { abort } = Jobs.prototype;
    let aborting = false;
    // The one line that differs: a job that ends while its signal aborts keeps its permit.
    Permits.prototype.release = function () {
      if (!aborting) release.call(this);
    };
    Jobs.prototype.abort = function () {
      aborting = true;
      abort.call(this);
      aborting = false;
    };
    try {
      const { verdict } = await explore(aborts, { budget });
      assert.equal(verdict, "broken");
    } finally {
      Permits.prototype.release = release;
      Jobs.prototype.abort = abort;
    }
    await expectSafe(aborts, { budget: 100 });
  });

  test("every place comes back whenever a timeout or a limit passes", { timeout }, async () => {
    const clock = (world: World) => world.clock("clock").sleep(10);
    await expectSafe(
      race("times", clock, [{ limit: 10 }, { timeout: 15 }, { limit: 5 }]),
      {
        budget,
      },
    );
  });

  test("a shutdown ends every job once, whenever it comes and whenever its time is up", {
    timeout,
  }, async () => {
    const ends = new Set<string>();
    for (const ms of [0, 10]) {
      const shutdown = race(
        `shutdown in ${ms}`,
        (world) => world.object("jobs", jobs).shutdown(ms),
        [{}, {}, abortable],
      );
      const { check } = shutdown;
      await expectSafe({
        ...shutdown,
        check: (end, shared) => {
          const { ends: all, report } = shared.jobs as Jobs;
          const { finished, aborted, abandoned } = report!;
          ends.add(`${finished} finished, ${aborted} aborted`);
          if (abandoned > 0) return "a handler that heeds its signal was left behind";
          const stopped = all.filter((end) => end === "ShutdownError").length;
          if (stopped < aborted) return "one that was aborted was not told";
          return check!(end, shared);
        },
      }, { budget });
    }
    for (const end of ["2 finished, 0 aborted", "0 finished, 2 aborted", "1 finished, 1 aborted"]) {
      assert(ends.has(end), `${end} is among ${[...ends]}`);
    }
  });
});
