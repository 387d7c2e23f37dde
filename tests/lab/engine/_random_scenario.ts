import { Prng } from "../../../lab/engine/mod.ts";
import { defineScenario, type Scenario, type World } from "../../../lab/worlds/mod.ts";

/** One thing an actor of a random program does. */
type Instruction =
  | { readonly does: "read" | "write" | "send" | "receive"; readonly object: string }
  | {
    readonly does: "lock";
    readonly mode: "read" | "write";
    readonly object: string;
    readonly body: Instruction[];
  }
  | { readonly does: "branch"; readonly then: Instruction[]; readonly otherwise: Instruction[] };

/** A small random program with cells, queued locks, channels and branches on what was read. */
export function randomScenario(seed: number): Scenario {
  const prng = new Prng(seed);
  const actors = Array.from(
    { length: 2 + prng.below(2) },
    () => randomBody(prng, 0, 1 + prng.below(3)),
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
          for (const name of ["l", "m"]) world.lock(name);
          world.channel("c");
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

function randomBody(prng: Prng, depth: number, length: number): Instruction[] {
  return Array.from({ length }, (): Instruction => {
    const object = ["x", "y"][prng.below(2)];
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
          then: randomBody(prng, depth + 1, 1),
          otherwise: randomBody(prng, depth + 1, prng.below(2)),
        };
      default:
        return {
          does: "lock",
          mode: prng.below(3) === 0 ? "read" : "write",
          object: ["l", "m"][prng.below(2)],
          body: randomBody(prng, depth + 1, 1 + prng.below(2)),
        };
    }
  });
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
      case "lock": {
        const lock = world.lock(instruction.object);
        const held = await (instruction.mode === "read" ? lock.read() : lock.write());
        seen = await follow(world, instruction.body, mark, seen);
        await held.release();
        break;
      }
    }
  }
  return seen;
}
