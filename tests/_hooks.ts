/**
 * `node:test` as the tests get it on Deno: the same functions, but a hook that throws after a test
 * fails the run, where Deno's own would swallow it. `_setup.ts` puts this in the other's place.
 */
import * as nodeTest from "node:test";

export { before, beforeEach, default, describe, it, mock, suite, test } from "node:test";

type Hook = () => unknown;
type Register = (hook: Hook) => void;

/** Lets what a hook throws escape as an unhandled rejection, which `_setup.ts` collects. */
function escaping(register: Register): Register {
  return (hook) =>
    register(async () => {
      try {
        await hook();
      } catch (error) {
        Promise.reject(error);
      }
    });
}

/** Runs after the tests of its file or suite. */
export const after: Register = escaping(nodeTest.after as Register);
/** Runs after each test of its file or suite. */
export const afterEach: Register = escaping(nodeTest.afterEach as Register);
