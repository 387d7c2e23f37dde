/** UUIDs of version 7, held against the library that they are made without. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, validate, version } from "uuid";
import { systemHost } from "../../lib/_host.ts";
import { Uuids } from "../../lib/_uuid.ts";
import { FakeHost } from "../_fake_host.ts";

const limit = { timeout: 10_000 };

/** The time in a UUID, in milliseconds since 1970. */
function timeOf(uuid: string): number {
  return parse(uuid).slice(0, 6).reduce((time, byte) => time * 256 + byte, 0);
}

test("Uuids.next() makes UUIDs of version 7, of the time they were made at", limit, () => {
  const uuids = new Uuids(systemHost);
  const before = Math.floor(Date.now());
  const all = Array.from({ length: 2000 }, () => uuids.next());
  const after = Date.now();
  for (const uuid of all) {
    assert(validate(uuid), uuid);
    assert.equal(version(uuid), 7);
    // The clock of `performance` runs apart from that of `Date` by a little.
    assert(timeOf(uuid) >= before - 1000 && timeOf(uuid) <= after + 1000);
  }
  assert.equal(new Set(all.map((uuid) => uuid.slice(19))).size, all.length, "by chance alone");
});

test("Uuids.next() goes up, within a millisecond and when the clock goes back", limit, () => {
  const host = new FakeHost();
  const uuids = new Uuids(host);
  let last = uuids.next();
  assert.equal(timeOf(last), host.now());
  const next = () => {
    const uuid = uuids.next();
    assert(validate(uuid), uuid);
    assert(uuid > last, `${uuid} comes after ${last}`);
    return last = uuid;
  };
  // More than the counter can count, so that it has to borrow from the time.
  for (let i = 0; i < 10_000; i++) next();
  assert.equal(timeOf(last), host.now() + 2);
  host.advance(0.5);
  next();
  host.advance(10);
  assert.equal(timeOf(next()), Math.floor(host.now()));
  const { now } = host;
  host.now = () => now.call(host) - 100;
  for (let i = 0; i < 10; i++) next();
});
