/**
 * `deno task release [--dry-run [--no-check]]`: publishes to JSR, from a copy of the checkout without `links`, so that the
 * package depends on the real `@std` packages. `deno publish` refuses links into the package.
 *
 * What is published is what is tagged: the tree must be clean and its commit have the tag of the
 * version, which must be the same in both manifests. A dry run publishes nothing and asks for neither.
 */
import { copyCheckout } from "./_package.ts";
import { root } from "./_tests.ts";

/** What a manifest says; `deno.json` and `package.json` both have it. */
async function versionIn(manifest: string): Promise<string> {
  return JSON.parse(await Deno.readTextFile(new URL(manifest, root))).version;
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("git", { args, cwd: root, stderr: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Why there can be no release now, if there is a reason. */
async function obstacle(dryRun: boolean): Promise<string | undefined> {
  const version = await versionIn("deno.json");
  const other = await versionIn("package.json");
  if (version !== other) return `deno.json says ${version}, and package.json ${other}`;
  if (dryRun) return undefined;
  if (await git("status", "--porcelain") !== "") return "there are changes that are not committed";
  const tags = (await git("tag", "--points-at", "HEAD")).split("\n");
  if (!tags.includes(`v${version}`)) return `the commit has no tag v${version}`;
  return undefined;
}

const asked = Deno.args.join(" ");
if (!["", "--dry-run", "--dry-run --no-check"].includes(asked)) {
  console.error(`Cannot understand ${asked}\nUsage: deno task release [--dry-run [--no-check]]`);
  Deno.exit(2);
}
const why = await obstacle(asked !== "");
if (why !== undefined) {
  console.error(`Cannot release: ${why}`);
  Deno.exit(1);
}

// The lock files and Bun's manifest speak of the stand-ins.
const omitted = ["deno.lock", "bun.lock", "package.json"];
await using copy = await copyCheckout(
  ({ links: _, ...config }) => ({ ...config, nodeModulesDir: "none" }),
  omitted,
);
// The copy is no git repository: that the tree is clean was seen above.
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["publish", "--allow-dirty", ...Deno.args],
  cwd: copy.path,
}).spawn().status;
Deno.exitCode = code;
