import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { Lock, World } from "../worlds/world.ts";

const NAMES = ["Plato", "Hypatia", "Kant", "Arendt", "Hume", "Weil"];

/** One fork between every two who sit side by side. */
function table(world: World, seats: number): Lock[] {
  return Array.from({ length: seats }, (_, place) => world.lock(`fork ${place + 1}`));
}

/** Each eats once, with the two forks it is handed, in their order. */
function dine(
  world: World,
  seats: number,
  forksOf: (left: Lock, right: Lock, place: number) => readonly [Lock, Lock],
  around: (eat: () => Promise<void>) => Promise<void> = (eat) => eat(),
): Actor[] {
  const forks = table(world, seats);
  const meals = Array.from({ length: seats }, (_, place) => world.cell(`meals ${place + 1}`, 0));
  return Array.from({ length: seats }, (_, place) => {
    const [first, second] = forksOf(forks[place], forks[(place + 1) % seats], place);
    return {
      name: NAMES[place],
      run: () => around(() => first.withWrite(() => second.withWrite(() => meals[place].write(1)))),
    };
  });
}

function check(end: EndState): string | undefined {
  const hungry = Object.entries(end).filter(([name, value]) =>
    name.startsWith("meals") && value === 0
  );
  return hungry.length === 0 ? undefined : `${hungry.length} have not eaten`;
}

/** A circle of locks, and the two ways to break it. */
export default defineScenario({
  module: import.meta.url,
  name: "dining-philosophers",
  title: "The dining philosophers",
  seed: 'airs: deadlock; Dijkstra, "Hierarchical ordering of sequential processes", 1971',
  lesson: [
    "Philosophers sit round a table, with one fork between every two. Who wants to eat takes the left " +
    "fork and then the right. When all reach out at the same moment each holds a left fork and waits for " +
    "the right one, which its neighbour holds: a circle, in which nobody ever moves again.",
    "It happens as soon as locks are taken one after the other in an order that closes a circle. Two " +
    "remedies: give the forks one order, and have everybody take the lower first; then no circle can " +
    "close. Or let a waiter admit one fewer than there are seats; then one always finds two forks.",
  ],
  parameters: {
    seats: {
      about: "philosophers",
      smoke: 3,
      bench: { tasks: 5, workers: 4, processes: 4 },
      min: 2,
      max: 6,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "it is the same there as between processes",
  },
  variants: {
    unguarded: {
      expect: "broken",
      symptom: "deadlock",
      because: "each can hold its left fork and wait for its right one",
      build: (world, { seats }) => dine(world, seats, (left, right) => [left, right]),
      check,
    },
    ordered: {
      expect: "safe",
      because: "everybody takes the fork with the lower number first, so no circle closes",
      build: (world, { seats }) =>
        dine(
          world,
          seats,
          (left, right, place) => place === seats - 1 ? [right, left] : [left, right],
        ),
      check,
    },
    waiter: {
      expect: "safe",
      because: "one at a time takes forks, so nobody waits who holds one that is waited for",
      build: (world, { seats }) => {
        const waiter = world.lock("waiter");
        return dine(world, seats, (left, right) => [left, right], (eat) => waiter.withWrite(eat));
      },
      check,
    },
  },
});
