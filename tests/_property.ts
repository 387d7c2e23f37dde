/**
 * Properties checked with fast-check. A failure prints the seed and the command that repeats it.
 */
import process from "node:process";
import fc from "fast-check";

/**
 * Checks `property` on 300 random inputs, or on those of the seed in `INTERLOCK_SEED`.
 *
 * @param file The test file, for the command that is printed.
 */
export async function checkProperty<Ts>(
  property: fc.IAsyncProperty<Ts> | fc.IProperty<Ts>,
  file: string,
): Promise<void> {
  const { INTERLOCK_SEED } = process.env;
  const seed = INTERLOCK_SEED === undefined ? undefined : Number(INTERLOCK_SEED);
  const details = await fc.check(property as fc.IAsyncProperty<Ts>, { numRuns: 300, seed });
  if (!details.failed) return;
  throw new Error(
    `${fc.defaultReportMessage(details)}\n\n` +
      `Again: INTERLOCK_SEED=${details.seed} deno task test ${file}`,
    { cause: details.errorInstance },
  );
}
