/**
 * Temporary copies of the checkout, for what must not happen in the checkout itself.
 *
 * `links` point into the package, which serves everything but two things: publishing, which then
 * wants the linked files in the publish list too, and running against the real packages, for which
 * there must be no `links`. Each gets a copy whose `deno.json` differs.
 */
import { root } from "./_tests.ts";

/** The part of `deno.json` that copies change. */
export interface Config {
  links?: string[];
  nodeModulesDir?: string;
  exports: Record<string, string>;
  publish: { include: string[] };
}

/** A folder that is removed when disposed of. */
export interface Copy extends AsyncDisposable {
  readonly path: string;
}

/** What `deno.json` says. */
export async function readConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
}

/** The files that git tracks or would track. */
async function files(): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: root,
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`Cannot list the files: ${text.decode(stderr).trim()}`);
  return text.decode(stdout).split("\0").filter((path) => path !== "");
}

/** Copies the checkout, with `change` made to its `deno.json`, and without the files in `omit`. */
export async function copyCheckout(
  change: (config: Config) => Config,
  omit: readonly string[] = [],
): Promise<Copy> {
  const path = await Deno.makeTempDir({ prefix: "interlock-" });
  for (const file of await files()) {
    if (omit.includes(file)) continue;
    const target = `${path}/${file}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(new URL(file, root), target).catch((error) => {
      // git still lists a file that was deleted and not yet committed as such.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  const config = JSON.stringify(change(await readConfig()), null, 2);
  await Deno.writeTextFile(`${path}/deno.json`, config);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
