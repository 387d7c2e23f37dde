/** What the documents for those who come from elsewhere show is so: of ours, and of theirs. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { runSnippets, snippetsOf } from "./_snippets.ts";

const timeout = 60_000;
const root = new URL("../", import.meta.url);
const documents = readdirSync(new URL("docs", root)).sort().map((name) => `docs/${name}`);

/** The packages whose users these documents are for; a snippet may import them. */
const PEERS = ["async-mutex", "proper-lockfile"];

for (const file of documents) {
  test(`every snippet of ${file} runs`, { timeout }, async () => {
    const all = snippetsOf(file);
    const fences = readFileSync(new URL(file, root), "utf8").match(/^```./gm)!;
    assert.equal(all.length, fences.length);
    // Whose defect is Deno's own is to be seen on Deno.
    const here = all.filter(({ note }) => note !== "deno" || process.versions.bun === undefined);
    assert(here.length > 0);
    await runSnippets(here, PEERS);
  });

  test(`every link of ${file} leads somewhere`, { timeout }, () => {
    const text = readFileSync(new URL(file, root), "utf8");
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => link)
      .filter((link) => !/^https?:/.test(link));
    const broken = links.filter((link) => !existsSync(new URL(link, new URL(file, root))));
    assert.deepEqual(broken, []);
  });
}

test("README leads to every document", { timeout }, () => {
  const readme = readFileSync(new URL("README.md", root), "utf8");
  assert.deepEqual(documents.filter((file) => !readme.includes(`](${file})`)), []);
});
