import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import type { Cell, SharedFile, World } from "../worlds/world.ts";

function check({ overlapped }: EndState): string | undefined {
  return overlapped === 0 ? undefined : "two were inside at once";
}

/** What is done inside: whoever finds somebody there says so. */
async function inside(busy: Cell, overlapped: Cell): Promise<void> {
  if (await busy.compareAndSet(0, 1)) await busy.write(0);
  else await overlapped.write(1);
}

type Numbers = { readonly contenders: number; readonly rounds: number };

/** Each tries a few times to take the lock of a file, by opening it and taking its flock. */
function contend(
  world: World,
  { contenders, rounds }: Numbers,
  { unlinks, checks }: { unlinks: boolean; checks: boolean },
): Actor[] {
  const busy = world.cell("busy", 0, { atomic: true });
  const overlapped = world.cell("overlapped", 0, { atomic: true });
  const file: SharedFile = world.file("lock");
  return team(contenders, async () => {
    for (let i = 0; i < rounds; i++) {
      const opened = await file.open();
      const locked = await opened.tryLock("exclusive");
      if (locked && (!checks || await opened.isCurrent())) {
        await inside(busy, overlapped);
        if (unlinks) await file.remove();
      }
      await opened.close();
    }
  });
}

/** A lock file that is tidied away. */
export default defineScenario({
  module: import.meta.url,
  name: "unlink-race",
  title: "The lock file that was tidied away",
  seed: "ANCHORS: unlinking a lock file on release gives two holders",
  lesson: [
    "A lock is the flock of a file, and whoever leaves removes the file, so that nothing is left lying " +
    "about. One process opens the file and is about to take its flock. The holder removes the name and " +
    "leaves; the first has the flock now, of a file without a name. A third opens the name anew, and gets " +
    "a new file and its flock as well. Two are inside, each with a lock of its own.",
    "The flock belongs to the file and not to its name. So never remove a lock file: an empty file costs " +
    "nothing. If others may replace it, look after locking whether the name still leads to the file that " +
    "is locked, and begin again if it does not.",
  ],
  parameters: {
    contenders: { about: "processes", smoke: 2, bench: { processes: 4 }, min: 2, max: 8 },
    rounds: { about: "tries of each", smoke: 2, bench: { processes: 50 }, min: 1, max: 1000 },
  },
  worlds: ["simulation", "processes"],
  notes: {
    tasks: "there are no files",
    workers: "threads of one process share its files",
    machines: "machines share no files",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "who holds the removed file and who holds the new one are both inside",
      build: (world, numbers) => contend(world, numbers, { unlinks: true, checks: false }),
      check,
    },
    checked: {
      expect: "safe",
      because: "whoever finds that the name leads to another file by now does not go in",
      build: (world, numbers) => contend(world, numbers, { unlinks: true, checks: true }),
      check,
    },
    kept: {
      expect: "safe",
      because: "there is one file, so there is one lock",
      build: (world, numbers) => contend(world, numbers, { unlinks: false, checks: false }),
      check,
    },
  },
});
