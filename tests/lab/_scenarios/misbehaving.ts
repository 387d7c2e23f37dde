import process from "node:process";
import { defineScenario, type Variant, type World } from "../../../lab/worlds/mod.ts";

/** A variant in which B does one thing wrong after its first step. */
function variant(wrong: (world: World) => Promise<unknown>): Variant {
  return {
    expect: "broken",
    symptom: "threw",
    because: "B misbehaves",
    build: (world) => {
      const counter = world.cell("counter", 0);
      world.channel("requests");
      return [
        { name: "A", run: () => counter.write(1) },
        {
          name: "B",
          run: async () => {
            await counter.read();
            await wrong(world);
          },
        },
      ];
    },
    check: () => undefined,
  };
}

/** Actors that do what they should not. */
export default defineScenario({
  module: import.meta.url,
  name: "misbehaving",
  title: "Actors that misbehave",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    throws: variant(() => Promise.reject(new RangeError("B has had enough"))),
    "throws-nothing": variant(() => Promise.reject(undefined)),
    "throws-bare-object": variant(() => Promise.reject(Object.create(null))),
    "throws-symbol": variant(() => Promise.reject(Symbol("enough"))),
    "throws-shy-error": variant(() => {
      const shy = new Error("enough");
      Object.defineProperty(shy, "message", {
        get: () => {
          throw new TypeError("nobody may look");
        },
      });
      return Promise.reject(shy);
    }),
    "throws-odd-error": variant(() =>
      Promise.reject(Object.assign(new Error(), { name: 7, message: Symbol("enough") }))
    ),
    "sends-function": variant((world) => world.channel("requests").send(() => 0)),
    "sends-map": variant((world) => world.channel("requests").send([{ a: new Map() }])),
    "writes-text": variant((world) => world.cell("counter", 0).write("1" as unknown as number)),
    "writes-too-much": variant((world) => world.cell("counter", 0).write(2 ** 31)),
    prints: {
      ...variant(() => {
        process.stdout.write("no line\n");
        process.stdout.write("null\nhalf a line");
        console.table([1]);
        return Promise.resolve();
      }),
      expect: "safe",
    },
    "two-at-once": variant((world) => {
      const counter = world.cell("counter", 0);
      return Promise.all([counter.read(), counter.read()]);
    }),
    exits: variant(() => process.exit(3)),
    "waits-for-ever": variant(() => new Promise(() => {})),
  },
});
