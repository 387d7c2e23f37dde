import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Chunk, Line } from "../../lib/_line.ts";
import { heldMegabytes } from "../_garbage.ts";
import { checkProperty } from "../_property.ts";

const timeout = 60_000;

test("Line is a list from which any member can be taken", { timeout }, async () => {
  // Many more come than leave, so that the line passes the bounds of its chunks both ways.
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 2, arbitrary: fc.record({ prepend: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ shift: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 3, arbitrary: fc.record({ remove: fc.array(fc.nat(), { maxLength: 40 }) }) },
  );
  const property = fc.property(fc.array(step, { size: "max", maxLength: 40 }), (steps) => {
    const line = new Line<object>();
    const model: { member: object; chunk: Chunk<object> }[] = [];
    for (const step of steps) {
      if ("add" in step) {
        for (let i = 0; i < step.add; i++) {
          const member = {};
          model.push({ member, chunk: line.append(member) });
        }
      } else if ("prepend" in step) {
        for (let i = 0; i < step.prepend; i++) {
          const member = {};
          model.unshift({ member, chunk: line.prepend(member) });
        }
      } else if ("shift" in step) {
        for (let i = 0; i < step.shift && model.length > 0; i++) {
          assert.equal(line.first, model.shift()!.member);
          line.shift();
        }
      } else {
        for (const at of step.remove) {
          if (model.length === 0) break;
          const [{ member, chunk }] = model.splice(at % model.length, 1);
          line.remove(chunk, member);
        }
      }
      assert.equal(line.size, model.length);
      assert.equal(line.first, model[0]?.member);
      assert.deepEqual([...line], model.map(({ member }) => member));
    }
  });
  await checkProperty(property, "tests/lib/line_test.ts");
});

test("Line holds no memory for members that have left from its middle", { timeout }, () => {
  const line = new Line<object>();
  line.append({});
  const before = heldMegabytes();
  for (let i = 0; i < 1_000_000; i++) {
    const member = {};
    line.remove(line.append(member), member);
  }
  line.append({});
  const grown = heldMegabytes() - before;
  assert(grown < 0.5, `the heap grew by ${grown} MB`);
  assert.equal(line.size, 2);
});
