import { type Cell, defineScenario, type Lock, type World } from "../../../lab/worlds/mod.ts";

/** A reader or writer that tells through `seen` when it finds somebody where nobody should be. */
function build(
  world: World,
  enter: (lock: Lock, mode: "read" | "write") => (fn: () => Promise<void>) => Promise<void>,
) {
  const lock = world.lock("lock");
  const writers = world.cell("writers", 0);
  const readers = world.cell("readers", 0, { atomic: true });
  const seen = world.cell("seen", 0);
  const add = async (cell: Cell, amount: number) => {
    let value = await cell.read();
    while (!await cell.compareAndSet(value, value + amount)) value = await cell.read();
  };
  const reader = (name: string) => ({
    name,
    run: () =>
      enter(lock, "read")(async () => {
        await add(readers, 1);
        if (await writers.read() > 0) await seen.write(1);
        await add(readers, -1);
      }),
  });
  const writer = {
    name: "writer",
    run: () =>
      enter(lock, "write")(async () => {
        await writers.write(1);
        if (await readers.read() > 0) await seen.write(1);
        await writers.write(0);
      }),
  };
  return [reader("R1"), reader("R2"), writer];
}

/** Readers beside a writer: never, with the lock; soon, without. */
export default defineScenario({
  module: import.meta.url,
  name: "readers-and-writer",
  title: "Never a writer beside a reader",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    locked: {
      expect: "safe",
      because: "the lock keeps writers apart from readers",
      build: (world) =>
        build(
          world,
          (lock, mode) => (fn) => mode === "read" ? lock.withRead(fn) : lock.withWrite(fn),
        ),
      check: ({ seen }) => seen === 0 ? undefined : "a reader and a writer were inside together",
    },
    "all-readers": {
      expect: "broken",
      because: "the writer enters as a reader, and readers share",
      build: (world) => build(world, (lock) => (fn) => lock.withRead(fn)),
      check: ({ seen }) => seen === 0 ? undefined : "a reader and a writer were inside together",
    },
  },
});
