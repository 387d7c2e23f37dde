/** The snippets of documents, run on the runtime that runs the tests, as their readers would. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Folder } from "./lib/_folder.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A piece of code in a document. */
export interface Snippet {
  /** The document, from the root of the checkout. */
  readonly file: string;
  /** What stands behind `ts` where it begins: `ignore` for what needs more than the package. */
  readonly note: string;
  /** The code. */
  readonly code: string;
}

/** The snippets of a document, or of a module's docstrings. */
export function snippetsOf(file: string): Snippet[] {
  const text = readFileSync(root + file, "utf8").replace(/^ \* ?/gm, "");
  return [...text.matchAll(/^```ts ?([^\n]*)\n(.*?)^```/gms)].map(([, note, code]) => ({
    file,
    note,
    code,
  }));
}

/**
 * Runs each snippet in a process of its own, all at once.
 *
 * @param snippets What to run.
 * @param peers Packages that they import beside this one, from those the tests use.
 */
export async function runSnippets(
  snippets: readonly Snippet[],
  peers: readonly string[] = [],
): Promise<void> {
  using folder = new Folder();
  const onDeno = process.versions.bun === undefined;
  const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  // As it is where the packages are installed: Bun looks here, and Deno in the configuration, where the
  // packages of the tests are not.
  for (const [name, target] of [["@interlock/core", root], ...peers.map((peer) => [peer, ""])]) {
    const link = folder.at("node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target || `${root}node_modules/${name}`, link);
  }
  await Promise.all(snippets.map(async ({ file, code }, i) => {
    const path = folder.at(`snippet_${i}.ts`);
    const named = (peer: string) => onDeno ? `npm:${peer}@${devDependencies[peer]}` : peer;
    writeFileSync(
      path,
      peers.reduce(
        (text, peer) => text.replaceAll(`from "${peer}"`, `from "${named(peer)}"`),
        code,
      ),
    );
    const args = onDeno ? ["run", "-A", "--quiet", "--config", `${root}deno.json`, path] : [path];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => said += data);
    const [status] = await once(child, "close");
    assert.equal(status, 0, `${file}:\n${code}\n${said}`);
  }));
}
