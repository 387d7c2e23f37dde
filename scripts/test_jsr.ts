/**
 * `deno task test:jsr [PATH…]`: the tests on Deno against the real JSR packages that the published
 * package depends on, instead of the stand-ins in `std/`. They run in a copy of the checkout without
 * `links`. Where JSR cannot be reached, Deno says so and nothing is run.
 */
import { copyCheckout, readConfig } from "./_package.ts";

const entries = Object.values((await readConfig()).exports);
const commands = [
  ["install"],
  // Fails if anything cannot be had, which `install` by itself does not.
  ["cache", ...entries],
  ["run", "-A", "scripts/test.ts", "--only", "deno", ...Deno.args],
];

async function main(): Promise<number> {
  // The lock files speak of the stand-ins.
  const locks = ["deno.lock", "bun.lock"];
  await using copy = await copyCheckout(({ links: _, ...config }) => config, locks);
  for (const args of commands) {
    const child = new Deno.Command(Deno.execPath(), { args, cwd: copy.path }).spawn();
    const { code } = await child.status;
    if (code !== 0) return code;
  }
  return 0;
}

Deno.exit(await main());
