import { defineScenario, type ObjectKind, type World } from "../../../lab/worlds/mod.ts";

/** A lock of one's own that hands itself on; `forgetful` loses who waits. */
class Turnstile {
  #busy = false;
  readonly #queue: (() => void)[] = [];
  readonly #forgetful: boolean;

  constructor(forgetful: boolean) {
    this.#forgetful = forgetful;
  }

  async enter(): Promise<number> {
    if (this.#busy) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#busy = true;
    return this.#queue.length;
  }

  leave(): void {
    this.#busy = false;
    const next = this.#forgetful ? undefined : this.#queue.shift();
    if (next === undefined) return;
    this.#busy = true;
    next();
  }

  async around(fn: () => Promise<void>): Promise<string> {
    await this.enter();
    try {
      await fn();
    } finally {
      this.leave();
    }
    return "done";
  }
}

const turnstile = (
  forgetful: boolean,
): ObjectKind<Turnstile, "enter" | "leave" | "around"> => ({
  operations: { enter: "write", leave: "write", around: "write" },
  tasks: () => new Turnstile(forgetful),
});

/** Each adds one, inside. */
function build(world: World, forgetful: boolean, nested: boolean) {
  const count = world.cell("count", 0);
  const stile = world.object("stile", turnstile(forgetful));
  const add = async () => count.write(await count.read() + 1);
  const apart = async () => {
    await stile.enter();
    await add();
    await stile.leave();
  };
  const actor = (name: string) => ({
    name,
    run: nested ? async () => void await stile.around(add) : apart,
  });
  return [actor("A"), actor("B"), actor("C")];
}

const check = ({ count }: Readonly<Record<string, number>>) =>
  count === 3 ? undefined : `count = ${count}`;

/** Objects whose operations wait for other actors. */
export default defineScenario({
  module: import.meta.url,
  name: "own-objects",
  title: "A lock of one's own",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks"],
  variants: {
    "hands-on": {
      expect: "safe",
      because: "who leaves hands it on",
      build: (world) => build(world, false, false),
      check,
    },
    "hands-on-nested": {
      expect: "safe",
      because: "what is done inside is a step like any other",
      build: (world) => build(world, false, true),
      check,
    },
    forgetful: {
      expect: "broken",
      symptom: "deadlock",
      because: "who waits is never let in",
      build: (world) => build(world, true, false),
      check,
    },
    "forgetful-nested": {
      expect: "broken",
      symptom: "deadlock",
      because: "who waits is never let in",
      build: (world) => build(world, true, true),
      check,
    },
  },
});
