/**
 * The third test of maph's document: a real HTTP server and a direct writer share one store. Both
 * coordinated by one lock nothing is lost; when one of them, or each of them, does without it, updates
 * are. (That each operation of the store is atomic does not help: the pitfall is the read before it.)
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FileStore } from "../../lib/store/mod.ts";
import { Folder } from "../lib/_folder.ts";
import { participants, start } from "./_children.ts";

const limit = { timeout: 180_000 };
const TIMES = 100;

/** Who asks for the lock. */
interface Locks {
  readonly server: boolean;
  readonly writer: boolean;
}

/** Lets both count, `TIMES` times each, and answers how far they came. */
async function countTogether(first: number, locks: Locks): Promise<number> {
  using folder = new Folder();
  const shared = { folder: folder.at("store"), key: "count" };
  const lockFor = (uses: boolean) => uses ? folder.at("lock") : undefined;
  await using server = await start(first, "store-server", {
    ...shared,
    lock: lockFor(locks.server),
  });
  await using writer = await start(first + 1, "store-writer", {
    ...{ ...shared, lock: lockFor(locks.writer) },
    times: TIMES,
  });
  server.tell();
  const { port } = await server.next("listening");
  const url = `http://127.0.0.1:${port}/count`;
  writer.tell();
  await writer.next("began");
  const answers = new Set<number>();
  for (let i = 0; i < TIMES; i++) {
    const response = await fetch(url, { method: "POST" });
    assert.equal(response.status, 200);
    answers.add(await response.json());
  }
  assert(answers.size > 1);
  await writer.next("done");
  const shown = await (await fetch(url)).json();
  using store = new FileStore(shared.folder);
  assert.equal((await store.get("count"))!.value, shown, "the server shows what is in the store");
  return shown;
}

test("an HTTP server and a direct writer that share one lock lose nothing", limit, async () => {
  for (const first of [0, 1]) {
    const since = performance.now();
    assert.equal(await countTogether(first, { server: true, writer: true }), 2 * TIMES);
    console.log(`  ${participants()}, ${(performance.now() - since).toFixed(0)} ms`);
  }
});

for (
  const [how, locks] of Object.entries<Locks>({
    "that do not lock": { server: false, writer: false },
    "of which only the server locks": { server: true, writer: false },
    "of which only the writer locks": { server: false, writer: true },
  })
) {
  test(`an HTTP server and a direct writer ${how} lose updates`, limit, async () => {
    // A race is a matter of luck: what is certain is only that it is not lucky five times.
    for (let round = 0; round < 5; round++) {
      const count = await countTogether(round, locks);
      console.log(`  ${how}: ${2 * TIMES - count} of ${2 * TIMES} are lost`);
      assert(count <= 2 * TIMES);
      if (count < 2 * TIMES) return;
    }
    assert.fail("nothing was lost five times");
  });
}

test(
  "what an HTTP server and a direct writer store under keys of their own is all there",
  limit,
  async () => {
    using folder = new Folder();
    const shared = { folder: folder.at("store"), key: "cpp_key1" };
    await using server = await start(0, "store-server", { ...shared, lock: undefined });
    await using writer = await start(1, "store-writer", {
      ...shared,
      lock: undefined,
      times: TIMES,
    });
    server.tell();
    const { port } = await server.next("listening");
    writer.tell();
    await writer.next("began");
    for (let i = 0; i < TIMES; i++) {
      const put = { method: "PUT", body: JSON.stringify(`from_rest_api ${i}`) };
      assert.equal((await fetch(`http://127.0.0.1:${port}/rest_key${i}`, put)).status, 200);
    }
    await writer.next("done");
    using store = new FileStore(shared.folder);
    assert.equal((await store.get("cpp_key1"))?.value, TIMES);
    for (let i = 0; i < TIMES; i++) {
      assert.equal((await store.get(`rest_key${i}`))?.value, `from_rest_api ${i}`);
    }
    assert.equal((await fetch(`http://127.0.0.1:${port}/nothing`)).status, 404);
  },
);
