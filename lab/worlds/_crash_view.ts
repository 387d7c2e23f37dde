/** Crashes as whoever asks for them sees them, and whoever comes afterwards. */
import type { Medium } from "./_medium.ts";
import type { Performable, Port } from "./_port.ts";
import type { Crashes } from "./world.ts";

/** Each call is one operation at the actor's port, and a power loss two: what it leaves is told between. */
export function crashView(port: Port, object: string, { crash }: Medium): Crashes {
  const step = async (
    operation: Omit<Performable, "object" | "effect"> & Partial<Performable>,
    argument?: unknown,
  ) => {
    await port.operate({ object, effect: "write", ...operation }, argument);
  };
  const over = {
    effect: "read",
    ready: crash && (() => crash.isOver()),
    perform: crash && (() => {}),
  } as const;
  return {
    kill: (actor) =>
      step({ kind: "kill", undeclared: true, perform: crash && (() => crash.kill(actor)) }, actor),
    losePower: async () => {
      await step({ kind: "cut", undeclared: true, perform: crash && (() => crash.losePower()) });
      // What it leaves is for others to say, and comes in between.
      if (port.stepped) await step({ kind: "restore", ...over });
    },
    // It also becomes possible by the end of others, which no operation declares.
    after: () => step({ kind: "after", ...over, undeclared: true }),
  };
}
