import { defineScenario, type ObjectKind, type World } from "../../../lab/worlds/mod.ts";

/** A board on which names are put; at each distance another one. */
interface Board {
  put(name: string): void | Promise<void>;
  names(): string[] | Promise<string[]>;
}

class MemoryBoard implements Board {
  readonly #names: string[] = [];
  put = (name: string): void => void this.#names.push(name);
  names = (): string[] => [...this.#names];
}

class SharedBoard implements Board {
  constructor(readonly flags: Int32Array) {}
  put = (name: string): void => void Atomics.store(this.flags, name.charCodeAt(0) - 65, 1);
  names = (): string[] => "ABC".split("").filter((_, i) => Atomics.load(this.flags, i) === 1);
}

const board = (files: (folder: string) => Board): ObjectKind<Board, "put" | "names"> => ({
  operations: { put: "write", names: "read" },
  tasks: () => new MemoryBoard(),
  workers: {
    create: () => new Int32Array(new SharedArrayBuffer(12)),
    attach: (flags: Int32Array) => new SharedBoard(flags),
  },
  files,
});

/** All put their names on the board, meet, and look at it. */
function build(world: World, files: (folder: string) => Board, meets: boolean) {
  const names = world.object("board", board(files));
  const missing = world.cell("missing", 0);
  const barrier = world.barrier("barrier", 3);
  return ["A", "B", "C"].map((name) => ({
    name,
    run: async () => {
      await names.put(name);
      if (meets) await barrier.wait();
      if ((await names.names()).length < 3) await missing.write(1);
    },
  }));
}

/** The scenario, with what its board is in files. */
export function meeting(module: string, files: (folder: string) => Board) {
  const check = ({ missing }: Readonly<Record<string, number>>) =>
    missing === 0 ? undefined : "somebody looked before all had put their names up";
  return defineScenario({
    module,
    name: "meeting",
    title: "A meeting",
    seed: "a test of the lab",
    lesson: [],
    parameters: {},
    worlds: ["tasks", "simulation", "workers", "processes"],
    variants: {
      meets: {
        expect: "safe",
        because: "nobody passes before all have come",
        build: (world) => build(world, files, true),
        check,
      },
      passes: {
        expect: "broken",
        because: "nobody waits",
        build: (world) => build(world, files, false),
        check,
      },
      "board-is-checked": {
        expect: "broken",
        because: "the check sees the board",
        build: (world) => build(world, files, true),
        check: async (_end, _parameters, { board }) =>
          (await (board as Board).names()).join("") === "ABC" ? "ABC" : undefined,
      },
    },
  });
}
