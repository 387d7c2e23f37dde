/**
 * Loaded before every test file, on Deno by `--preload` and on Bun by `bunfig.toml`: what goes
 * wrong during a test fails it, on both runtimes.
 *
 * Left alone, Deno's `node:test` passes a test during which a timer, a microtask or an event
 * handler threw, and one whose `afterEach` or root `after` throws; and on both runtimes
 * `process.exit(0)` inside a test passes the whole run. So on Deno whatever escapes a test's own
 * call stack is collected and thrown after the test that was running, hooks come from
 * `_hooks.ts`, which lets theirs escape too, and on both runtimes exiting throws.
 *
 * It also tells the tests that start processes where the two runtimes are: in `INTERLOCK_DENO`
 * and `INTERLOCK_BUN`, unset where there is none.
 */
import * as module from "node:module";
import process from "node:process";
import { runtimes } from "../lab/worlds/_runtimes.ts";

function refuseToExit(code: unknown = 0): never {
  const error = new Error(`Cannot exit with ${code}: tests are running`);
  // Whoever catches what is thrown here must not hide that it happened.
  Promise.reject(error);
  throw error;
}

/** Fails the test after which something has escaped. */
function failWhatEscapes(): void {
  const escaped: unknown[] = [];
  process.on("uncaughtException", (error) => escaped.push(error));
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    escaped.push(event.reason);
  });
  const check = async () => {
    // Rejections are reported at the end of a turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (escaped.length === 1) throw escaped.pop();
    if (escaped.length > 1) throw new AggregateError(escaped.splice(0), "several errors escaped");
  };
  Deno.test.afterEach(check);
  Deno.test.afterAll(check);
}

if (process.versions.bun === undefined) {
  failWhatEscapes();
  const guarded = new URL("./_hooks.ts", import.meta.url).href;
  module.registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "node:test" && context.parentURL !== guarded
        ? { url: guarded, shortCircuit: true }
        : next(specifier, context),
  });
  Deno.exit = refuseToExit;
}
process.exit = refuseToExit;

if (process.env.INTERLOCK_DENO === undefined || process.env.INTERLOCK_BUN === undefined) {
  for (const { name, command } of runtimes()) {
    process.env[`INTERLOCK_${name.toUpperCase()}`] = command;
  }
}
