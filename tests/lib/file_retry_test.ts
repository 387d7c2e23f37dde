/** The pauses between two questions to the system. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRetry, pause, pauseAtGate } from "../../lib/_file_retry.ts";
import { type Host, systemHost } from "../../lib/_host.ts";

const limit = { timeout: 10_000 };
const retry = { min: 2, max: 20 };

function hostOf(random: number): Host {
  return {
    ...systemHost,
    get files() {
      return systemHost.files;
    },
    random: () => random,
  };
}

test("pause() grows by a quarter each from min to max, with jitter downwards", limit, () => {
  const high = (asked: number) => pause(hostOf(0.999999), retry, asked);
  const low = (asked: number) => pause(hostOf(0), retry, asked);
  for (let asked = 0; asked < 200; asked++) {
    const full = Math.min(20, 2 * 1.25 ** asked);
    assert(Math.abs(high(asked) - full) < 0.01);
    assert.equal(low(asked), Math.max(2, full / 2));
  }
});

test("pauseAtGate() lies anywhere from min to max, however long one has waited", limit, () => {
  assert.equal(pauseAtGate(hostOf(0), retry), 2);
  assert.equal(pauseAtGate(hostOf(0.5), retry), 11);
  assert(pauseAtGate(hostOf(0.999999), retry) <= 20);
});

test("checkRetry() gives way to the one of the two that is given", limit, () => {
  assert.deepEqual(checkRetry(undefined, "test"), { min: 1, max: 20 });
  assert.deepEqual(checkRetry({ min: 50 }, "test"), { min: 50, max: 50 });
  assert.deepEqual(checkRetry({ max: 0.5 }, "test"), { min: 0.5, max: 0.5 });
  assert.deepEqual(checkRetry({ min: 3, max: 9 }, "test"), { min: 3, max: 9 });
});
