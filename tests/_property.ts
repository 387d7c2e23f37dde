/**
 * Properties checked with fast-check. A failure prints the seed and the command that repeats it.
 */
import process from "node:process";
import fc from "fast-check";
import { runs } from "./_runs.ts";

/**
 * Checks `property` on 300 random inputs, 10,000 under `INTERLOCK_LONG`, or on those of the seed in
 * `INTERLOCK_SEED`.
 *
 * @param file The test file, for the command that is printed.
 */
export async function checkProperty<Ts>(
  property: fc.IAsyncProperty<Ts> | fc.IProperty<Ts>,
  file: string,
): Promise<void> {
  const { INTERLOCK_SEED } = process.env;
  const seed = INTERLOCK_SEED === undefined ? undefined : Number(INTERLOCK_SEED);
  const numRuns = runs(300, 10_000);
  const details = await fc.check(property as fc.IAsyncProperty<Ts>, { numRuns, seed });
  if (!details.failed) return;
  throw new Error(
    `${fc.defaultReportMessage(details)}\n\n` +
      `Again: INTERLOCK_SEED=${details.seed} deno task test ${file}`,
    { cause: details.errorInstance },
  );
}
