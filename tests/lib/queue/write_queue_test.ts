/** The queue of a table, on real files; the first six are those that the seed names. */
import assert from "node:assert/strict";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { validate, version } from "uuid";
import {
  countPending,
  CsvRow,
  getNextPending,
  listSetAside,
  QueueFullError,
  queueWrite,
  removeFromQueue,
  type SetAside,
  Table,
} from "../../../lib/queue/mod.ts";
import { encodeWrite, pendingName } from "../../../lib/queue/_queue_file.ts";
import { FileLock } from "../../../mod.ts";
import { Folder } from "../_folder.ts";

const limit = { timeout: 20_000 };
const NAME = "people";

const insert = (key: string, ...values: string[]) => ({
  operation: "insert" as const,
  rows: [new CsvRow(key, values)],
});

const queueOf = (base: Folder): string[] =>
  readdirSync(base.at(NAME, "queue")).filter((name) => /\d/.test(name)).sort();

test(
  "queueWrite() puts a write into a JSON file named by its number and its UUID",
  limit,
  async () => {
    using base = new Folder();
    const before = Date.now();
    const id = await queueWrite(base.path, NAME, insert("ada", 'a "quoted", value', "\n"));
    assert(validate(id));
    assert.equal(version(id), 7);
    assert.deepEqual(queueOf(base), [`0000000000000001-${id}.json`]);
    const path = base.at(NAME, "queue", `0000000000000001-${id}.json`);
    const { write } = JSON.parse(readFileSync(path, "utf8"));
    assert.deepEqual(write.rows, [["ada", 'a "quoted", value', "\n"]]);
    assert.equal(write.operation, "insert");
    assert(write.timestamp >= before - 1000 && write.timestamp <= Date.now() + 1000);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  },
);

test("getNextPending() answers the write that comes first, as often as asked", limit, async () => {
  using base = new Folder();
  assert.equal(await getNextPending(base.path, NAME), undefined);
  const rows = [new CsvRow("ada", ["1815"]), new CsvRow("", [])];
  const id = await queueWrite(base.path, NAME, { operation: "update", rows, timestamp: 12.5 });
  await queueWrite(base.path, NAME, insert("alan"));
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await getNextPending(base.path, NAME), {
      id,
      sequence: 1,
      write: { operation: "update", rows, timestamp: 12.5 },
    });
  }
});

test("removeFromQueue() removes one write, and tells whether it was there", limit, async () => {
  using base = new Folder();
  const a = await queueWrite(base.path, NAME, insert("a"));
  const b = await queueWrite(base.path, NAME, insert("b"));
  assert.equal(await removeFromQueue(base.path, NAME, a), true);
  assert.equal(await removeFromQueue(base.path, NAME, a), false);
  assert.equal((await getNextPending(base.path, NAME))?.id, b);
  assert.equal(await removeFromQueue(base.path, NAME, b), true);
  assert.equal(await getNextPending(base.path, NAME), undefined);
  assert.equal(await removeFromQueue(base.path, "places", b), false);
  assert.deepEqual(readdirSync(base.path), [NAME], "and makes nothing");
});

test("countPending() counts, and makes nothing", limit, async () => {
  using base = new Folder();
  assert.equal(countPending(base.path, NAME), 0);
  assert.deepEqual(readdirSync(base.path), []);
  const ids: string[] = [];
  for (let i = 1; i <= 5; i++) {
    ids.push(await queueWrite(base.path, NAME, insert(`${i}`)));
    assert.equal(countPending(base.path, NAME), i);
  }
  for (const [i, id] of ids.entries()) {
    await removeFromQueue(base.path, NAME, id);
    assert.equal(countPending(base.path, NAME), 4 - i);
  }
});

test("the queue is first in, first out, also within one millisecond", limit, async () => {
  using base = new Folder();
  // More than ten, so that names in the order of their characters are put to the test.
  const wanted = Array.from({ length: 30 }, (_, i) => `${i}`);
  await Promise.all(wanted.map((key) => queueWrite(base.path, NAME, insert(key))));
  const found: string[] = [];
  for (;;) {
    const next = await getNextPending(base.path, NAME);
    if (next === undefined) break;
    assert.equal(next.sequence, found.length + 1);
    found.push(next.write.rows[0].key);
    await removeFromQueue(base.path, NAME, next.id);
  }
  assert.deepEqual(found, wanted);
});

test(
  "queueWrite() refuses one more than 100 writes, and none when one is gone",
  limit,
  async () => {
    using base = new Folder();
    const ids: string[] = [];
    for (let i = 0; i < 100; i++) ids.push(await queueWrite(base.path, NAME, insert(`${i}`)));
    await assert.rejects(queueWrite(base.path, NAME, insert("more")), (error) => {
      assert(error instanceof QueueFullError);
      assert.deepEqual([error.queue, error.pending, error.limit], [NAME, 100, 100]);
      assert.equal(
        error.message,
        "Cannot add to the queue of people: 100 are pending, and 100 may be",
      );
      return true;
    });
    assert.equal(countPending(base.path, NAME), 100);
    await removeFromQueue(base.path, NAME, ids[50]);
    await queueWrite(base.path, NAME, insert("more"));
    await assert.rejects(
      queueWrite(base.path, NAME, insert("more"), { limit: 50 }),
      QueueFullError,
    );
    await queueWrite(base.path, NAME, insert("more"), { limit: Infinity });
    assert.equal(countPending(base.path, NAME), 101);
  },
);

test(
  "queueWrite() gives greater numbers than those that are there or were counted",
  limit,
  async () => {
    using base = new Folder();
    using table = new Table(base.path, NAME);
    const queue = (key: string) => queueWrite(base.path, NAME, insert(key));
    const next = async () => (await getNextPending(base.path, NAME))?.sequence;
    const a = await queue("a");
    await queue("b");
    await removeFromQueue(base.path, NAME, a);
    await queue("c");
    assert.equal(await next(), 2);
    await table.drain();
    assert.equal(table.read().applied, 3);
    await queue("d");
    assert.equal(await next(), 4);
    await table.drain();
    // Even if somebody has cleared up.
    rmSync(base.at(NAME, "queue"), { recursive: true });
    await queue("e");
    assert.equal(await next(), 5);
    assert.equal((await table.drain()).drained, 1);
    // What was set aside has its number still.
    await queue("e");
    await queue("f");
    assert.equal((await table.drain()).setAside.length, 1);
    await queue("f");
    await table.drain();
    await queue("g");
    assert.equal(await next(), 9);
  },
);

test("queueWrite() takes a copy", limit, async () => {
  using base = new Folder();
  const rows = [new CsvRow("a", [])];
  const queued = queueWrite(base.path, NAME, { operation: "insert", rows });
  rows.push(new CsvRow("b", []));
  await queued;
  assert.equal((await getNextPending(base.path, NAME))?.write.rows.length, 1);
});

test("queueWrite() refuses what cannot be meant, and queues nothing", limit, async () => {
  using base = new Folder();
  const row = new CsvRow("a", []);
  const wrong: [write: unknown, message: RegExp][] = [
    [undefined, /a write is an object, got undefined$/],
    [{ rows: [row] }, /operation must be "insert", "update" or "delete", got undefined$/],
    [{ operation: "upsert", rows: [row] }, /got "upsert"$/],
    [{ operation: "insert" }, /rows must be an array, got undefined$/],
    [{ operation: "insert", rows: [] }, /rows must not be empty$/],
    [{ operation: "insert", rows: [row, 1] }, /row 2 must be a row, got 1$/],
    // deno-lint-ignore no-sparse-arrays
    [{ operation: "insert", rows: [, row] }, /row 1 must be a row, got undefined$/],
    [{ operation: "insert", rows: [{ key: 1, values: [] }] }, /key must be a string, got 1$/],
    [{ operation: "insert", rows: [row, row] }, /two of the rows have the key "a"$/],
    [{ operation: "insert", rows: [row], timestamp: "now" }, /timestamp must be a number/],
    [{ operation: "insert", rows: [row], timestamp: NaN }, /milliseconds since 1970, got NaN$/],
    [{ operation: "insert", rows: [row], timestamp: -1 }, /got -1$/],
  ];
  for (const [write, message] of wrong) {
    await assert.rejects(queueWrite(base.path, NAME, write as never), message);
  }
  for (const limit of [0, 1.5, -1, NaN]) {
    await assert.rejects(queueWrite(base.path, NAME, insert("a"), { limit }), RangeError);
  }
  await assert.rejects(
    queueWrite(base.path, NAME, insert("a"), { limit: "1" as never }),
    TypeError,
  );
  await assert.rejects(removeFromQueue(base.path, NAME, "../../../etc"), /id must be what queue/);
  await assert.rejects(getNextPending(base.path, NAME, { onSetAside: 1 as never }), TypeError);
  assert.deepEqual(readdirSync(base.path), []);
});

test("queueWrite() that may not wait for the queue's lock queues nothing", limit, async () => {
  using base = new Folder();
  await queueWrite(base.path, NAME, insert("a"));
  using lock = new FileLock(base.at(NAME, "queue", "lock"));
  using _guard = await lock.write();
  await assert.rejects(
    queueWrite(base.path, NAME, insert("b"), { timeout: 5 }),
    /^LockTimeoutError: Cannot write-lock the queue of people within/,
  );
  const signal = AbortSignal.abort(new Error("no longer wanted"));
  await assert.rejects(queueWrite(base.path, NAME, insert("b"), { signal }), /no longer wanted/);
  assert.equal(countPending(base.path, NAME), 1);
});

/** Does something to the file of the write that comes first. */
function tamper(base: Folder, how: (path: string) => void): string {
  const [name] = queueOf(base).filter((name) => name.endsWith(".json"));
  how(base.at(NAME, "queue", name));
  return name;
}

const damages: Record<string, [how: (path: string) => void, why: RegExp]> = {
  "is cut off": [
    (path) => writeFileSync(path, readFileSync(path).subarray(0, 40)),
    /is not built as one$/,
  ],
  "is empty": [(path) => writeFileSync(path, ""), /is not built as one$/],
  "is another JSON": [(path) => writeFileSync(path, '{"rows":[]}'), /is not built as one$/],
  "is no object": [(path) => writeFileSync(path, "null"), /is not built as one$/],
  "has other rows": [
    (path) => writeFileSync(path, readFileSync(path, "utf8").replace("first", "other")),
    /checksum does not match$/,
  ],
  "is not UTF-8": [
    (path) => writeFileSync(path, new Uint8Array([0xff, 0xfe, 0x80])),
    /is no text$/,
  ],
  "is a folder": [(path) => (rmSync(path), mkdirSync(path)), /is no regular file$/],
  "is a symbolic link": [
    (path) => (renameSync(path, `${path}~`), symlinkSync(`${path}~`, path)),
    /is a symbolic link, which is not followed$/,
  ],
  "is a symbolic link to nothing": [
    (path) => (rmSync(path), symlinkSync("/nowhere", path)),
    /is a symbolic link/,
  ],
};

for (const [state, [damage, why]] of Object.entries(damages)) {
  test(`a file that ${state} is set aside, reported, and in nobody's way`, limit, async () => {
    for (const how of ["getNextPending", "drain"] as const) {
      using base = new Folder();
      const id = await queueWrite(base.path, NAME, insert("first"));
      const next = await queueWrite(base.path, NAME, insert("second"));
      const name = tamper(base, damage);
      const events: SetAside[] = [];
      const onSetAside = (event: SetAside) => void events.push(event);
      using table = new Table(base.path, NAME, { onSetAside });
      if (how === "drain") {
        const { drained, setAside } = await table.drain();
        assert.equal(drained, 1);
        assert.deepEqual(setAside, events);
        assert.deepEqual([...table.read().rows.keys()], ["second"]);
      } else {
        const found = await getNextPending(base.path, NAME, { onSetAside });
        assert.deepEqual([found?.id, found?.sequence], [next, 2]);
        assert.equal(countPending(base.path, NAME), 1);
      }
      const file = base.at(NAME, "queue", `${name}.unreadable`);
      const [{ error, ...event }] = events;
      assert.equal(events.length, 1);
      assert.deepEqual(event, { id, sequence: 1, file, reason: "unreadable" });
      assert.equal(error.name, "UnreadableWriteError");
      assert.match(error.message, why);
      assert(error.message.startsWith(`Cannot read the pending write ${file.slice(0, -11)}: `));
      assert.deepEqual(listSetAside(base.path, NAME), [event]);
      assert.equal((await table.drain()).setAside.length, 0, "it is reported once");
    }
  });
}

test("every bit of a queue file counts", limit, async () => {
  using base = new Folder();
  await queueWrite(base.path, NAME, insert("a", "b"));
  const name = tamper(base, () => {});
  const path = base.at(NAME, "queue", name);
  const bytes = readFileSync(path);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] ^= 1 << (bit & 7);
    writeFileSync(path, changed);
    const found = await getNextPending(base.path, NAME);
    assert.equal(found, undefined, `bit ${bit} counts for nothing`);
    renameSync(`${path}.unreadable`, path);
  }
  // And what it is called.
  writeFileSync(path, bytes);
  renameSync(path, base.at(NAME, "queue", name.replace("1-", "2-")));
  assert.equal(await getNextPending(base.path, NAME), undefined);
  assert.equal(listSetAside(base.path, NAME).length, 1);
});

test("whatever text is in a row comes out of the queue as it went in", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  // U+2028 and U+2029 are ends of a line to JavaScript, and not to JSON.
  const texts = ["\u2028", "\u2029", "\x85", "\0", "\uFEFF", "\r\n", '"', "\\", "", "__proto__"];
  for (const text of texts) {
    await queueWrite(base.path, NAME, insert(text, text, `${text}x`));
    const next = await getNextPending(base.path, NAME);
    assert.deepEqual(
      next?.write.rows,
      [new CsvRow(text, [text, `${text}x`])],
      JSON.stringify(text),
    );
    assert.deepEqual(await table.drain(), { drained: 1, setAside: [] });
  }
  using other = new Table(base.path, NAME);
  assert.deepEqual([...other.read().rows.keys()], texts);
});

const uuid = "01985b0e-4b8c-7c35-8000-6b2f1d0a9e77";

test("a file with a number that was counted already is set aside all the same", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await queueWrite(base.path, NAME, insert("a"));
  await table.drain();
  for (const make of [mkdirSync, (path: string) => writeFileSync(path, "no write")]) {
    const name = `0000000000000001-${uuid}.json`;
    make(base.at(NAME, "queue", name));
    await queueWrite(base.path, NAME, insert(`after ${name} ${make.name}`));
    const { drained, setAside } = await table.drain();
    assert.deepEqual([drained, setAside.map(({ reason }) => reason)], [1, ["unreadable"]]);
    assert(queueOf(base).includes(`${name}.unreadable`));
    rmSync(base.at(NAME, "queue", `${name}.unreadable`), { recursive: true });
  }
  assert.equal(table.read().rows.size, 3);
});

test("what is left of an applied write goes without a word", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await queueWrite(base.path, NAME, insert("a"));
  const [name] = queueOf(base);
  const path = base.at(NAME, "queue", name);
  const bytes = readFileSync(path);
  await table.drain();
  writeFileSync(path, bytes);
  assert.deepEqual(await table.drain(), { drained: 0, setAside: [] });
  assert.deepEqual(queueOf(base), []);
});

test(
  "a file that cannot be read leaves others their numbers, whatever its own is",
  limit,
  async () => {
    for (const sequence of [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2 ** 52, 7]) {
      using base = new Folder();
      using table = new Table(base.path, NAME);
      await queueWrite(base.path, NAME, insert("a"));
      writeFileSync(base.at(NAME, "queue", pendingName(sequence, uuid)), "no write");
      const keys = ["a"];
      for (let i = 0; i < 4; i++) {
        await queueWrite(base.path, NAME, insert(`${i}`));
        keys.push(`${i}`);
        if (i % 2 === 1) await table.drain();
      }
      assert.deepEqual([...table.read().rows.keys()], keys);
      const { applied } = table.read();
      assert(applied < sequence ? applied === keys.length : applied === sequence + keys.length - 1);
      assert.equal(listSetAside(base.path, NAME).length, 1);
    }
  },
);

test("queueWrite() accepts nothing when no number is left", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await queueWrite(base.path, NAME, insert("a"));
  const last = pendingName(Number.MAX_SAFE_INTEGER, uuid);
  const row = new CsvRow("last", []);
  const write = encodeWrite(last, { operation: "insert", rows: [row], timestamp: 0 });
  writeFileSync(base.at(NAME, "queue", last), write);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      queueWrite(base.path, NAME, insert("b")),
      /^RangeError: Cannot queue a write: people has no sequence number left$/,
    );
    assert.equal((await table.drain()).drained, i === 0 ? 2 : 0);
  }
  await table.write(insert("b"));
  assert.deepEqual([...table.read().rows.keys()], ["a", "last", "b"]);
});

test("files that are none of the queue's are left alone", limit, async () => {
  using base = new Folder();
  const id = await queueWrite(base.path, NAME, insert("a"));
  const others = [
    `1-${id}.json`,
    `0000000000000001-${id}.JSON`,
    `0000000000000002-x.json`,
    `0000000000000000-${id}.json`,
    `9007199254740992-${id}.json`,
    `9999999999999999-${id}.json`,
    "notes",
  ];
  for (const name of others) writeFileSync(base.at(NAME, "queue", name), "");
  using table = new Table(base.path, NAME);
  assert.equal(countPending(base.path, NAME), 1);
  assert.deepEqual(await table.drain(), { drained: 1, setAside: [] });
  for (const name of others) assert(readdirSync(base.at(NAME, "queue")).includes(name), name);
});

test("a queue whose folder is none says so", limit, async () => {
  using base = new Folder();
  mkdirSync(base.at(NAME));
  writeFileSync(base.at(NAME, "queue"), "");
  await assert.rejects(
    queueWrite(base.path, NAME, insert("a")),
    /^Error: Cannot lock .*: what should be its folder is a file$/,
  );
  assert.throws(() => countPending(base.path, NAME), /ENOTDIR|Not a directory/i);
});
