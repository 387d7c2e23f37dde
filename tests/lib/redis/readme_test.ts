/** The snippets that need a server run too: those of README and of the docstrings. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Folder } from "../_folder.ts";
import { redisTest } from "./_server.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const FILES = ["README.md", "lib/redis/redis_lock.ts", "lib/redis/redis_locks.ts"];

/** The snippets of a file that name a server. */
function snippetsOf(file: string): string[] {
  const text = readFileSync(root + file, "utf8").replace(/^ \* ?/gm, "");
  return [...text.matchAll(/```ts ignore\n(.*?)```/gs)].map(([, code]) => code)
    .filter((code) => code.includes("redis://"));
}

redisTest("every snippet with a Redis server runs", async ({ server }) => {
  using folder = new Folder();
  // As it is where the package is installed: Bun looks here, Deno in the configuration.
  mkdirSync(folder.at("node_modules", "@interlock"), { recursive: true });
  symlinkSync(root, folder.at("node_modules", "@interlock", "core"));
  const snippets = FILES.flatMap((file) => {
    const found = snippetsOf(file);
    assert(found.length > 0, `${file} has none`);
    return found;
  });
  // At once, for the server is young, and each waits until it may have forgotten nobody.
  await Promise.all(snippets.map(async (snippet, i) => {
    const path = folder.at(`snippet_${i}.ts`);
    writeFileSync(path, snippet.replaceAll("redis://127.0.0.1:6379", server.url));
    const args = process.versions.bun === undefined
      ? ["run", "-A", "--quiet", "--config", `${root}deno.json`, path]
      : [path];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => said += data);
    const [status] = await once(child, "exit");
    assert.equal(status, 0, `${snippet}\n${said}`);
  }));
}, { timeout: 60_000 });
