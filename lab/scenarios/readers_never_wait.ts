import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import { snapshots } from "../worlds/snapshots_kind.ts";
import type { World } from "../worlds/world.ts";

type Numbers = { readonly readers: number; readonly writers: number };

function check({ seen }: EndState, { readers }: Numbers): string | undefined {
  return seen === readers ? undefined : `${seen} of ${readers} readers have seen something`;
}

/**
 * Writers that are not done before every reader has read: whoever makes readers wait for a writer comes
 * to a stand.
 */
function crowd(
  world: World,
  { readers, writers }: Numbers,
  write: (slowly: () => Promise<void>) => Promise<void>,
  read: () => Promise<unknown>,
): Actor[] {
  const done = world.channel<null>("done reading");
  const seen = world.cell("seen", 0, { atomic: true });
  return [
    ...Array.from({ length: writers }, (_, place) => ({
      name: `writer ${place + 1}`,
      run: () =>
        write(async () => {
          for (let i = 0; i < readers; i++) await done.receive();
        }),
    })),
    ...Array.from({ length: readers }, (_, place) => ({
      name: `reader ${place + 1}`,
      run: async () => {
        await read();
        for (;;) {
          const before = await seen.read();
          if (await seen.compareAndSet(before, before + 1)) break;
        }
        for (let i = 0; i < writers; i++) await done.send(null);
      },
    })),
  ];
}

/** Readers beside a writer that takes its time. */
export default defineScenario({
  module: import.meta.url,
  name: "readers-never-wait",
  title: "Readers that never wait",
  seed: "shardex: copy-on-write reads; 20 readers and 3 writers",
  lesson: [
    "A writer changes an index and takes its time over it. Under a read-write lock all readers stand still " +
    "meanwhile: the slowest writer sets the pace for everybody. Here the writer even waits for the readers, " +
    "and so both wait for ever.",
    "Readers do not need the value the writer is making; they are content with the last one that was " +
    "finished. So let the writer make a new version beside the old, and put it in the place of the old in " +
    "one step. Who reads in the meantime sees the old one, whole, and waits for nobody.",
  ],
  parameters: {
    readers: {
      about: "readers",
      smoke: 2,
      bench: { tasks: 20, workers: 4, processes: 3 },
      min: 1,
      max: 20,
    },
    writers: {
      about: "writers",
      smoke: 1,
      bench: { tasks: 3, workers: 1, processes: 1 },
      min: 1,
      max: 3,
    },
  },
  worlds: ["tasks", "simulation", "workers", "processes"],
  notes: { machines: "versions are not kept on a server" },
  variants: {
    unguarded: {
      expect: "broken",
      symptom: "deadlock",
      because: "under a lock readers wait for the writer, who here waits for them",
      build: (world, numbers) => {
        const lock = world.lock("lock");
        const index = world.cell("index", 0);
        return crowd(
          world,
          numbers,
          (slowly) =>
            lock.withWrite(async () => {
              await slowly();
              await index.write(await index.read() + 1);
            }),
          () => lock.withRead(() => index.read()),
        );
      },
      check,
    },
    snapshots: {
      expect: "safe",
      because: "readers have the last version that was finished, whatever a writer does",
      build: (world, numbers) => {
        const index = world.object("index", snapshots(0));
        return crowd(
          world,
          numbers,
          async (slowly) =>
            void await index.update(async (value) => {
              await slowly();
              return value + 1;
            }),
          () => index.read(),
        );
      },
      check,
    },
  },
});
