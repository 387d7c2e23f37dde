/** The snippets that need a server run too: those of README and of the docstrings. */
import assert from "node:assert/strict";
import { runSnippets, snippetsOf } from "../../_snippets.ts";
import { redisTest } from "./_server.ts";

const FILES = ["README.md", "lib/redis/redis_lock.ts", "lib/redis/redis_locks.ts"];

redisTest("every snippet with a Redis server runs", async ({ server }) => {
  const snippets = FILES.flatMap((file) => {
    const found = snippetsOf(file).filter(({ note, code }) =>
      note === "ignore" && code.includes("redis://")
    );
    assert(found.length > 0, `${file} has none`);
    return found.map(({ code, ...rest }) => ({
      ...rest,
      code: code.replaceAll("redis://127.0.0.1:6379", server.url),
    }));
  });
  // At once, for the server is young, and each waits until it may have forgotten nobody.
  await runSnippets(snippets);
}, { timeout: 60_000 });
