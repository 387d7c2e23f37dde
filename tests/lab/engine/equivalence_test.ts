import assert from "node:assert/strict";
import { test } from "node:test";
import { expectSafe, explore } from "../../../lab/mod.ts";
import { team, type World } from "../../../lab/mod.ts";

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
