/** What a table may be called: nothing that leads out of its base folder, by whatever way. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  acquireTableLock,
  countPending,
  CsvRow,
  getNextPending,
  isTableLocked,
  listSetAside,
  queueWrite,
  removeFromQueue,
  Table,
  waitForTableUnlock,
} from "../../../lib/queue/mod.ts";
import { Folder } from "../_folder.ts";

const limit = { timeout: 20_000 };
const write = { operation: "insert" as const, rows: [new CsvRow("a", [])] };
const ID = "01985b0e-4b8c-7c35-8000-6b2f1d0a9e77";

/** Everything that takes the name of a table. */
const uses: Record<string, (base: string, name: string) => unknown> = {
  acquireTableLock: async (base, name) => (await acquireTableLock(base, name)).release(),
  isTableLocked: async (base, name) => await isTableLocked(base, name),
  waitForTableUnlock,
  queueWrite: (base, name) => queueWrite(base, name, write),
  getNextPending,
  removeFromQueue: (base, name) => removeFromQueue(base, name, ID),
  countPending: async (base, name) => await countPending(base, name),
  listSetAside: async (base, name) => await listSetAside(base, name),
  Table: async (base, name) => {
    using table = new Table(base, name);
    table.read();
    table.countPending();
    await table.drain();
    await table.write(write);
  },
};

const hostile: [name: string, why: RegExp][] = [
  ["", /has no name/],
  [".", /is not inside the base folder/],
  ["..", /is not inside the base folder/],
  ["../outside", /has "\/" in its name/],
  ["a/../../outside", /has "\/" in its name/],
  ["/etc/passwd", /has "\/" in its name/],
  ["a/b", /has "\/" in its name/],
  ["..\\outside", /has "\\\\" in its name/],
  ["C:outside", /has ":" in its name/],
  ["a\0b", /has "\\u0000" in its name/],
  ["..\0", /has "\\u0000" in its name/],
  ["a\nb", /has "\\n" in its name/],
  ["a\x7f", /in its name/],
  ["\uD800", /has a lone surrogate in its name/],
  ["x".repeat(256), /has too long a name/],
  ["é".repeat(128), /has too long a name/],
];

for (const [what, use] of Object.entries(uses)) {
  test(`${what} takes no name that is more than one folder's`, limit, async () => {
    using base = new Folder();
    mkdirSync(base.at("base"));
    for (const [name, why] of hostile) {
      const attempt = async () => await use(base.at("base"), name);
      await assert.rejects(attempt, (error: Error) => {
        assert.match(error.message, why, JSON.stringify(name));
        assert.match(error.message, /; a table's name is that of a folder in the base folder/);
        return error instanceof RangeError;
      });
    }
    await assert.rejects(
      async () => await use(base.at("base"), 1 as never),
      /table 1 is no string/,
    );
    await assert.rejects(async () => await use(base.at("base"), {} as never), TypeError);
    for (
      const [root, why] of [
        ["", /the base folder "" has no path$/],
        ["a\0b", /has a NUL character in its path$/],
        ["file:///tmp", /is a URL in a string, pass a URL object$/],
        [new URL("https://localhost/"), /is no file URL$/],
        [undefined, /undefined is neither a string nor a URL$/],
      ] as const
    ) {
      await assert.rejects(async () => await use(root as string, "people"), (error: Error) => {
        assert.match(error.message, why);
        return error instanceof TypeError;
      });
    }
    assert.deepEqual(readdirSync(base.at("base")), []);
    assert.deepEqual(readdirSync(base.path), ["base"]);
  });

  test(`${what} follows no symbolic link`, limit, async () => {
    using base = new Folder();
    mkdirSync(base.at("outside"));
    const inside = ["", "table.csv", "table.csv.interlock-next", "lock", "lock.interlock-gate"];
    const queue = ["queue", "queue/next", "queue/lock", "queue/lock.interlock-gate"];
    for (const [i, name] of [...inside, ...queue].entries()) {
      const table = `table ${i}`;
      const path = name === "" ? base.at(table) : base.at(table, name);
      if (name !== "") {
        mkdirSync(base.at(table, ...name.startsWith("queue/") ? ["queue"] : []), {
          recursive: true,
        });
      }
      symlinkSync(base.at("outside", "target"), path);
      await assert.rejects(async () => await use(base.path, table), (error: Error) => {
        assert.match(error.message, /is a symbolic link, which is not followed$/);
        return error.message.includes(path);
      });
      assert.equal(existsSync(base.at("outside", "target")), false, name);
    }
    // To a folder with all that a table has.
    mkdirSync(base.at("outside", "queue"));
    writeFileSync(base.at("outside", "table.csv"), "");
    symlinkSync(base.at("outside"), base.at("people"));
    await assert.rejects(async () => await use(base.path, "people"), /is a symbolic link/);
    assert.deepEqual(readdirSync(base.at("outside")).sort(), ["queue", "table.csv"]);
  });
}

test("a table may have any other name, and its own folder with it", limit, async () => {
  using base = new Folder();
  const names = [
    "people",
    "a b",
    "größe",
    "日本語",
    "..a",
    "a..b",
    ".hidden",
    "queue",
    "lock",
    "~",
    "$HOME",
    "*",
    "x".repeat(255),
  ];
  for (const name of names) {
    using table = new Table(base.path, name);
    await table.write(write);
    await queueWrite(base.path, name, { ...write, operation: "delete" });
  }
  assert.deepEqual(readdirSync(base.path).sort(), names.toSorted());
  for (const name of names) assert.equal(countPending(base.path, name), 1);
});

test("the base folder may be a symbolic link", limit, async () => {
  using base = new Folder();
  mkdirSync(base.at("real"));
  symlinkSync(base.at("real"), base.at("link"));
  using table = new Table(base.at("link"), "people");
  await table.write(write);
  assert.equal(new Table(base.at("real"), "people").read().rows.size, 1);
});
