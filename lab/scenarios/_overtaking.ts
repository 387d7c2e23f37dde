/** What the two scenarios about starvation share: one who waits for a lock, and others who come later. */
import { type Actor, type EndState, team } from "../worlds/scenario.ts";
import type { Lock, LockChoice, World } from "../worlds/world.ts";

/** Who waits, and who comes later. */
export type Role = "reader" | "writer";

/** How many come later, and how often each of them. */
export type Numbers = { readonly others: number; readonly rounds: number };

/** How often one asks who can only ask again. */
const TRIES = 2;

const LATER = { reader: "writer", writer: "reader" } as const;

function visit<R>(lock: Lock, role: Role, fn: () => Promise<R>): Promise<R> {
  return role === "reader" ? lock.withRead(fn) : lock.withWrite(fn);
}

/** Somebody saw, before asking, that another waited already, and was let in while it still did. */
export function notOvertaken({ overtaken }: EndState): string | undefined {
  return overtaken === 0
    ? undefined
    : "one who came later was let in before one who had been waiting";
}

/**
 * One asks while another is inside, and so has to wait; others look whether they are let in before it
 * though they came later.
 */
export function queueing(
  world: World,
  waits: Role,
  { others, rounds }: Numbers,
  policy: LockChoice["policy"],
): Actor[] {
  const lock = world.lock("lock", { policy });
  const overtaken = world.cell("overtaken", 0, { atomic: true });
  const inside = world.channel<null>("inside");
  const isWaiting = async () => (await lock.waiting()).includes(waits);
  return [
    ...team(others, async (place) => {
      for (let i = 0; i < rounds; i++) {
        const before = await isWaiting();
        await visit(lock, LATER[waits], async () => {
          if (place === 0 && i === 0) await inside.send(null);
          if (before && await isWaiting()) await overtaken.write(1);
        });
      }
    }),
    {
      name: waits,
      run: async () => {
        await inside.receive();
        await visit(lock, waits, async () => {});
      },
    },
  ];
}

/**
 * The same with the bare lock of a file, for which one can only ask again. Here one other is enough,
 * who comes again and again.
 */
export function polling(world: World, waits: Role, { rounds }: Numbers): Actor[] {
  const file = world.file("lock");
  const waiting = world.cell("waiting", 0, { atomic: true });
  const overtaken = world.cell("overtaken", 0, { atomic: true });
  const modeOf = (role: Role) => role === "reader" ? "shared" : "exclusive";
  return [
    {
      name: "other",
      run: async () => {
        const opened = await file.open();
        for (let i = 0; i <= rounds; i++) {
          const before = await waiting.read();
          if (!await opened.tryLock(modeOf(LATER[waits]))) continue;
          if (before === 1 && await waiting.read() === 1) await overtaken.write(1);
          await opened.unlock();
        }
        await opened.close();
      },
    },
    {
      name: waits,
      run: async () => {
        const opened = await file.open();
        for (let i = 0; i < TRIES && !await opened.tryLock(modeOf(waits)); i++) {
          await waiting.write(1);
        }
        await waiting.write(0);
        await opened.close();
      },
    },
  ];
}
