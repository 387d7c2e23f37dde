/**
 * The lab's engine beside fast-check's scheduler and a bare loop over generators: how many orders of
 * the lost update (two actors, four steps) each runs in the same time.
 *
 * Each of them draws its orders at random and counts the end states, which shows that it really
 * interleaves: both one and two must come out.
 */
import fc from "fast-check";
import { explore, Prng, type Program, RandomStrategy } from "../lab/engine/mod.ts";
import { defineScenario, openDistance, Subject, team } from "../lab/worlds/mod.ts";
import { type BenchmarkSuite, type Contestant, defineBenchmark } from "../lab/runners/suite.ts";
import { heldMegabytes } from "../tests/_garbage.ts";
import type { Section } from "./_main.ts";

const ORDERS = 10_000;

/** How often the counter was one, or two, at the end. */
type Tally = [number, number];
let tally: Tally = [0, 0];

/** What every contestant answers: whether all orders were run and both end states came out. */
function verdict(): unknown {
  const [lost, kept] = tally;
  tally = [0, 0];
  return { orders: lost + kept, lost: lost > 0, kept: kept > 0 };
}

const scenario = defineScenario({
  module: import.meta.url,
  name: "lost-update",
  title: "The lost update, counted",
  seed: "a benchmark",
  lesson: [],
  parameters: {},
  worlds: ["tasks"],
  variants: {
    unguarded: {
      expect: "safe",
      because: "end states are counted, not judged",
      build: (world) => {
        const counter = world.cell("counter", 0);
        return team(2, async () => {
          const seen = await counter.read();
          await counter.write(seen + 1);
        });
      },
      check: ({ counter }) => void tally[counter - 1]++,
    },
  },
});

const open = (): Promise<Program> =>
  openDistance("tasks").stepped(new Subject(scenario, "unguarded"));

const engine = (program: Program): Contestant => ({
  name: "explore()",
  async run() {
    await explore(program, { strategy: new RandomStrategy(1), budget: ORDERS });
    return verdict();
  },
});

const recordingEngine = (program: Program): Contestant => ({
  name: "explore() with recording",
  async run() {
    let events = 0;
    await explore(program, {
      strategy: new RandomStrategy(1),
      budget: ORDERS,
      visit: (recording) => events += recording.events.length,
    });
    if (events !== 4 * ORDERS) throw new Error(`${events} events were recorded`);
    return verdict();
  },
});

const scheduler: Contestant = {
  name: "fc.scheduler(), waitFor()",
  async run() {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (s) => {
        let counter = 0;
        const actor = async () => {
          await s.schedule(Promise.resolve());
          const seen = counter;
          await s.schedule(Promise.resolve());
          counter = seen + 1;
        };
        await s.waitFor(Promise.all([actor(), actor()]));
        tally[counter - 1]++;
      }),
      { numRuns: ORDERS },
    );
    return verdict();
  },
};

const generators: Contestant = {
  name: "a bare loop over generators",
  run() {
    const prng = new Prng(1);
    for (let i = 0; i < ORDERS; i++) {
      let counter = 0;
      const actor = function* () {
        yield;
        const seen = counter;
        yield;
        counter = seen + 1;
      };
      const actors = [actor(), actor()];
      for (const each of actors) each.next();
      while (actors.length > 0) {
        const chosen = actors.length === 1 ? 0 : prng.below(actors.length);
        if (actors[chosen].next().done) actors.splice(chosen, 1);
      }
      tally[counter - 1]++;
    }
    return verdict();
  },
};

const expected = { orders: ORDERS, lost: true, kept: true };

/** The benchmarks; a schedule is one run of one order from start to end. */
export const benchmarks: BenchmarkSuite = [
  defineBenchmark("one schedule of the lost update", async () => ({
    operations: ORDERS,
    expected,
    ours: engine(await open()),
    rivals: [{ ...scheduler, atMost: 1 / 5 }, { ...generators, atMost: 4 }],
  })),
  defineBenchmark("one schedule of the lost update, recorded", async () => ({
    operations: ORDERS,
    expected,
    ours: recordingEngine(await open()),
    rivals: [{ ...generators, atMost: 8 }],
  })),
];

const MILLION = 1_000_000;
const MILLIONS = 5;
/** By how many megabytes the heap may grow: less than half a byte a schedule. */
const GROWTH = 2;

/** The heap, collected, as schedule after schedule is run. */
async function measureMemory(): Promise<string> {
  const program = await open();
  const run = async (budget: number) => {
    await explore(program, { strategy: new RandomStrategy(1), budget });
    const { orders, lost, kept } = verdict() as { orders: number; lost: boolean; kept: boolean };
    if (orders !== budget || !lost || !kept) {
      throw new Error(`${orders} orders of ${budget} were run`);
    }
  };
  await run(ORDERS);
  const before = heldMegabytes();
  const lines = [`  before                ${before.toFixed(2).padStart(7)} MB`];
  let after = before;
  let seconds = 0;
  for (let million = 1; million <= MILLIONS; million++) {
    const start = performance.now();
    await run(MILLION);
    seconds += (performance.now() - start) / 1000;
    after = heldMegabytes();
    lines.push(`  after ${million} million       ${after.toFixed(2).padStart(7)} MB`);
  }
  const growth = after - before;
  const rate = Math.round(MILLIONS * MILLION / seconds / 1000);
  return [
    ...lines,
    `  ${growth.toFixed(2)} MB more after ${MILLIONS} million schedules, in ${
      seconds.toFixed(1)
    } s ` +
    `(${rate}k schedules/s); budget ${GROWTH} MB  ${growth <= GROWTH ? "ok" : "OVER"}`,
  ].join("\n");
}

/** What exploring leaves behind it. */
export const memory: Section = {
  name: "the heap over 5 million schedules of the lost update",
  measure: measureMemory,
};
