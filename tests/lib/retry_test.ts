/** The pauses between two questions to the system. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Asker, checkRetry, pause, pauseAtGate } from "../../lib/_retry.ts";
import { type Host, systemHost } from "../../lib/_host.ts";
import { FakeHost } from "../_fake_host.ts";

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

test(
  "Asker asks at longer and longer pauses at the gate, and anew once it has lost it",
  limit,
  () => {
    const host = new FakeHost();
    host.random = () => 0.999999;
    const asked: number[] = [];
    let atGate = true;
    const asker = new Asker(host, () => {
      asked.push(Math.round(10 * host.now()) / 10);
      asker.askLater(retry, atGate);
    });
    const pauses = (count: number) => {
      const from = host.now();
      asked.length = 0;
      while (asked.length < count) host.advance(0.5);
      return asked.map((at, i) => Math.round(2 * (at - (asked[i - 1] ?? from))) / 2);
    };
    asker.askLater(retry, true);
    assert.equal(asker.asks, true);
    assert.deepEqual(pauses(4), [2, 2.5, 3, 4]);
    atGate = false;
    pauses(1);
    assert.deepEqual(pauses(2), [20, 20]);
    atGate = true;
    pauses(1);
    assert.deepEqual(pauses(2), [2, 2.5]);
    asker.stop();
    assert.deepEqual([asker.asks, host.timers], [false, 0]);
    asker.stop();
    asker.askLater(retry, true);
    assert.deepEqual(pauses(2), [2, 2.5], "it begins anew");
  },
);
