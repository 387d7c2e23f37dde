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
