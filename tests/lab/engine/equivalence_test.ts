import assert from "node:assert/strict";
import { test } from "node:test";
import { expectSafe, explore } from "../../../lab/mod.ts";
import { type ObjectKind, team, type World } from "../../../lab/mod.ts";

const timeout = 20_000;

let trace = "";

/** Two actors whose operations say that they touch different things; `same` decides if they do. */
function notes(same: boolean) {
  return {
    name: "notes",
    build: (world: World) => {
      const kept = world.cell("kept", 0);
      return team(2, async (place) => {
        const append = world.operation(`note ${place}`, "write", () => {
          trace = same ? trace + place : "";
          return trace.length === 1 ? place : 0;
        });
        for (let i = 0; i < 3; i++) await append();
        if (place === 0) await kept.write(same ? Number(`1${trace}`) : 0);
        trace = "";
      });
    },
  };
}

test("a reduced search that counted on a false declaration is no proof, and says so", {
  timeout,
}, async () => {
  const result = await explore(notes(true), { strategy: "dpor" });
  assert.equal(result.verdict, "safe");
  assert.equal(result.evidence.kind, "partial");
  assert.match(result.undeclared!, /orders that differ only in steps that do not conflict end as/);
});

test("a reduced search over true declarations is a proof", { timeout }, async () => {
  const result = await expectSafe(notes(false), { strategy: "dpor" });
  assert.equal(result.undeclared, undefined);
  assert.deepEqual(result.evidence.kind, "proved");
});

test("what an object does after a function it was handed counts as touching the object", {
  timeout,
}, async () => {
  class Box {
    value = 0;
    async change(by: (value: number) => Promise<number>): Promise<void> {
      this.value = await by(this.value);
    }
  }
  const box: ObjectKind<Box, "change"> = {
    operations: { change: "write" },
    tasks: () => new Box(),
  };
  const { verdict } = await explore({
    name: "a box",
    build: (world) => {
      const shared = world.object("box", box);
      const cell = world.cell("cell", 1);
      return team(2, () => shared.change(async (value) => value + await cell.read()));
    },
    check: (_, { box }) => (box as Box).value === 2 ? undefined : "one change is lost",
  }, { strategy: "dpor" });
  assert.equal(verdict, "broken");
});
