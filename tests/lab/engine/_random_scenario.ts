import { DeadlockError, LockTimeoutError } from "../../../lib/errors.ts";
import { Prng } from "../../../lab/engine/mod.ts";
import { defineScenario, type Scenario, type World } from "../../../lab/worlds/mod.ts";

/** One thing an actor of a random program does. */
type Instruction =
  | { readonly does: "read" | "write" | "send" | "receive"; readonly object: string }
  | { readonly does: "now" }
  | { readonly does: "sleep"; readonly ms: number }
  | {
    readonly does: "lock";
    readonly mode: "read" | "write";
    readonly object: string;
    readonly timeout?: number;
    readonly body: Instruction[];
  }
  | { readonly does: "branch"; readonly then: Instruction[]; readonly otherwise: Instruction[] };

/** What besides cells, queued locks, channels and branches plays a part in random programs. */
export interface Flavour {
  /** Time: sleeping, looking at the clock, and giving up on locks. */
  readonly timed?: boolean;
  /** Locks within locks, and whether they refuse the wait that closes a circle. */
  readonly watched?: boolean;
}

/** A small random program. */
export function randomScenario(seed: number, { timed, watched }: Flavour = {}): Scenario {
  const prng = new Prng(seed);
  const nested = watched !== undefined;
  const random = new RandomBody(prng, timed === true, nested);
  const actors = Array.from(
    { length: nested ? 2 : 2 + prng.below(2) },
    () => random.body(0, nested ? 1 : 1 + prng.below(3)),
  );
  return defineScenario({
    module: import.meta.url,
    name: "random",
    title: "A random program",
    seed: "a test of the engine",
    lesson: [],
    parameters: {},
    worlds: ["tasks"],
    variants: {
      random: {
        expect: "safe",
        because: "nothing is checked",
        build: (world) => {
          for (const name of ["x", "y"]) world.cell(name, 0);
          for (const name of ["l", "m"]) world.lock(name, { detectDeadlocks: watched });
          world.channel("c");
          world.clock("t");
          return actors.map((body, place) => ({
            name: "ABC"[place],
            run: async () => void await follow(world, body, place + 1, 0),
          }));
        },
        check: () => undefined,
      },
    },
  });
}

class RandomBody {
  /** @param nested Whether locks are taken within locks. */
  constructor(readonly prng: Prng, readonly timed: boolean, readonly nested: boolean) {}

  body(depth: number, length: number): Instruction[] {
    return Array.from({ length }, () => this.#instruction(depth));
  }

  #instruction(depth: number): Instruction {
    const { prng } = this;
    const object = ["x", "y"][prng.below(2)];
    if (this.timed && prng.below(depth === 0 ? 4 : 2) === 0) {
      return prng.below(4) === 0 ? { does: "now" } : { does: "sleep", ms: 1 + prng.below(3) };
    }
    if (this.nested && depth < 2 && prng.below(4) > 0) return this.#lock(depth, prng.below(2));
    switch (prng.below(depth === 0 ? 10 : 6)) {
      case 0:
      case 1:
      case 2:
        return { does: "read", object };
      case 3:
      case 4:
        return { does: "write", object };
      case 5:
        return { does: prng.below(2) === 0 ? "send" : "receive", object: "c" };
      case 6:
        return {
          does: "branch",
          then: this.body(depth + 1, 1),
          otherwise: this.body(depth + 1, prng.below(2)),
        };
      default:
        return this.#lock(depth, 1 + prng.below(2));
    }
  }

  #lock(depth: number, length: number): Instruction {
    const { prng } = this;
    return {
      does: "lock",
      mode: prng.below(3) === 0 ? "read" : "write",
      object: ["l", "m"][prng.below(2)],
      timeout: this.timed && prng.below(3) > 0 ? prng.below(4) : undefined,
      body: this.body(depth + 1, length),
    };
  }
}

/** Does what the instructions say; answers what was read last. */
async function follow(
  world: World,
  body: readonly Instruction[],
  mark: number,
  seen: number,
): Promise<number> {
  for (const instruction of body) {
    switch (instruction.does) {
      case "read":
        seen = await world.cell(instruction.object, 0).read();
        break;
      case "write":
        await world.cell(instruction.object, 0).write((seen * 3 + mark) % 1000);
        break;
      case "send":
        await world.channel<number>("c").send(mark);
        break;
      case "receive":
        seen = await world.channel<number>("c").receive();
        break;
      case "branch":
        seen = await follow(
          world,
          seen % 2 === 1 ? instruction.then : instruction.otherwise,
          mark,
          seen,
        );
        break;
      case "now":
        seen = await world.clock("t").now();
        break;
      case "sleep":
        await world.clock("t").sleep(instruction.ms);
        break;
      case "lock": {
        const lock = world.lock(instruction.object);
        const { mode, timeout } = instruction;
        try {
          const held = await (mode === "read" ? lock.read({ timeout }) : lock.write({ timeout }));
          seen = await follow(world, instruction.body, mark, seen);
          await held.release();
        } catch (error) {
          if (!(error instanceof LockTimeoutError || error instanceof DeadlockError)) throw error;
          seen = mark;
        }
        break;
      }
    }
  }
  return seen;
}
