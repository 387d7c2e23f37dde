import { defineScenario, type Parameters, team } from "../worlds/scenario.ts";
import type { Cell, Clock, Lock, World } from "../worlds/world.ts";

type Numbers = Parameters<"transfers">;

/** How long a transfer waits for its second account, in ms, and how long it then stays away. */
const PATIENCE = 20;
const BACK_OFF = [5, 40];

/** After so many vain attempts a transfer is given up. */
const ATTEMPTS = 2;

/** Two accounts with a lock each, and what two actors have moved from one to the other. */
interface Bank {
  readonly locks: readonly Lock[];
  readonly accounts: readonly Cell[];
  readonly done: readonly Cell[];
  readonly givenUp: readonly Cell[];
  readonly clock: Clock;
}

function open(world: World, detectDeadlocks = false): Bank {
  const two = <T>(make: (name: string, place: number) => T) => [make("left", 0), make("right", 1)];
  return {
    locks: two((name) => world.lock(`${name} lock`, { detectDeadlocks })),
    accounts: two((name) => world.cell(name, 100)),
    done: two((name) => world.cell(`done from ${name}`, 0)),
    givenUp: two((name) => world.cell(`given up from ${name}`, 0)),
    clock: world.clock("clock"),
  };
}

/** Moves one from an account to the other; to be called with both locked. */
async function move({ accounts, done }: Bank, from: number): Promise<void> {
  await accounts[from].write(await accounts[from].read() - 1);
  await accounts[1 - from].write(await accounts[1 - from].read() + 1);
  await done[from].write(await done[from].read() + 1);
}

/** A transfer that locks the account it takes from, and then the other; or the locks in an order. */
const transfer = (bank: Bank, from: number, order: readonly number[]) =>
  bank.locks[order[0]].withWrite(() => bank.locks[order[1]].withWrite(() => move(bank, from)));

/** A transfer that lets go of everything when it has waited too long, and comes back later. */
async function patiently(bank: Bank, from: number, refused: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await bank.clock.sleep(BACK_OFF[from]);
    try {
      return await bank.locks[from].withWrite(() =>
        bank.locks[1 - from].withWrite(() => move(bank, from), { timeout: PATIENCE })
      );
    } catch (error) {
      if ((error as Error).name !== refused) throw error;
    }
  }
  await bank.givenUp[from].write(await bank.givenUp[from].read() + 1);
}

/** A transfer that is told when its wait would never end, and begins again without what it held. */
async function again(bank: Bank, from: number): Promise<void> {
  for (;;) {
    try {
      return await transfer(bank, from, [from, 1 - from]);
    } catch (error) {
      if ((error as Error).name !== "DeadlockError") throw error;
    }
  }
}

const each = ({ transfers }: Numbers, run: (from: number) => Promise<void>) =>
  team(2, async (place) => {
    for (let i = 0; i < transfers; i++) await run(place);
  });

/** No money is lost, and every transfer was made or was given up. */
function check(end: Readonly<Record<string, number>>, { transfers }: Numbers): string | undefined {
  const { left, right } = end;
  if (left + right !== 200) return `${left + right} of 200 are left`;
  for (const name of ["left", "right"]) {
    const done = end[`done from ${name}`];
    const givenUp = end[`given up from ${name}`];
    if (done + givenUp !== transfers) {
      return `${done} made and ${givenUp} given up, of ${transfers}`;
    }
  }
  return undefined;
}

/** AB-BA, and three ways out. */
export default defineScenario({
  module: import.meta.url,
  name: "deadlock-timeout",
  title: "Two locks in opposite orders",
  seed: "shardex: deadlock prevention and detection",
  lesson: [
    "A transfer from the left account to the right one locks left, then right. A transfer the other " +
    "way locks right, then left. Each is right by itself. Should both have taken their first lock, " +
    "each holds what the other waits for, and neither ever goes on. It takes one unlucky moment, and " +
    "nothing fails: the program just stands.",
    "The way out that always works is one order for all: whoever locks several things locks them in " +
    "the same order, by name, by number, by anything that all agree on. Then whoever has the first " +
    "lock gets the second.",
    "Where no order is known beforehand, a transfer can give up. With a timeout it has to let go of " +
    "what it holds, or it has only postponed the deadlock, and to come back after a while that is not " +
    "the same for both, or they meet again. It may have to be given up for good, and whoever asked for " +
    "it must be told.",
    "Or somebody looks who waits for whom. The wait that would close the circle is refused at once, " +
    "with no time lost and nobody refused who would have got through.",
  ],
  parameters: {
    transfers: {
      about: "transfers by each actor",
      smoke: 1,
      bench: { tasks: 500, workers: 500, processes: 50, machines: 10 },
      min: 1,
      max: 100_000,
    },
  },
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    opposite: {
      expect: "broken",
      symptom: "deadlock",
      because: "each holds what the other waits for",
      build: (world, numbers) => {
        const bank = open(world);
        return each(numbers, (from) => transfer(bank, from, [from, 1 - from]));
      },
      check,
    },
    ordered: {
      expect: "safe",
      because: "both lock left before right, so whoever has the first gets the second",
      build: (world, numbers) => {
        const bank = open(world);
        return each(numbers, (from) => transfer(bank, from, [0, 1]));
      },
      check,
    },
    "timeout-and-back-off": {
      expect: "safe",
      because: "who waits too long lets go of everything, and comes back later or gives up",
      build: (world, numbers) => {
        const bank = open(world);
        return each(numbers, (from) => patiently(bank, from, "LockTimeoutError"));
      },
      check,
    },
    detected: {
      expect: "safe",
      because: "the wait that would close the circle is refused, and its transfer begins again",
      worlds: ["tasks"],
      build: (world, numbers) => {
        const bank = open(world, true);
        return each(numbers, (from) => again(bank, from));
      },
      check,
    },
  },
});
