import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarm } from "../../../lib/redis/_alarm.ts";
import { FakeHost } from "../../_fake_host.ts";

const timeout = 5_000;

test("Alarm.setBy() waits for longer than a runtime's timers can", { timeout }, async () => {
  const host = new FakeHost();
  const rung: number[] = [];
  const alarm = new Alarm(host, (due) => rung.push(due));
  const days = 24 * 3_600_000;
  const due = host.now() + 60 * days;
  alarm.setBy(due);
  await host.advance(59 * days);
  assert.deepEqual(rung, []);
  await host.advance(days);
  assert.deepEqual([rung, host.timers], [[due], 0]);
});

test("Alarm.setBy() goes off once, at the earliest of its moments", { timeout }, async () => {
  const host = new FakeHost();
  const rung: number[] = [];
  const alarm = new Alarm(host, (due) => rung.push(due));
  const now = host.now();
  for (const ms of [50, 20, 90]) alarm.setBy(now + ms);
  await host.advance(200);
  assert.deepEqual(rung, [now + 20]);
  alarm.setBy(now);
  alarm.clear();
  await host.advance(10);
  assert.deepEqual([rung.length, host.timers], [1, 0]);
});
