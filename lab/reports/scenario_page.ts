/** A scenario in words. */
import { fold, type Layout } from "./text.ts";
import { widthOf, wrap } from "./_wrap.ts";

/** What the reports need of a scenario. */
export interface ScenarioText {
  /** Its name. */
  readonly name: string;
  /** Its name for people. */
  readonly title: string;
  /** The document it comes from. */
  readonly seed: string;
  /** What it teaches, in paragraphs. */
  readonly lesson: readonly string[];
  /** The distances at which it makes sense. */
  readonly worlds: readonly string[];
  /** Why it makes no sense at others. */
  readonly notes?: Readonly<Record<string, string | undefined>>;
  /** Its parameters by name. */
  readonly parameters: Readonly<
    Record<
      string,
      { readonly about: string; readonly smoke: number; readonly min: number; readonly max: number }
    >
  >;
  /** Its variants by name. */
  readonly variants: Readonly<
    Record<string, { readonly expect: "broken" | "safe"; readonly because: string }>
  >;
}

/** A scenario and its variants in a few lines. */
export function scenarioLine(scenario: ScenarioText, layout: Layout): string {
  const { palette } = layout;
  const variants = Object.entries(scenario.variants).map(([name, { expect }]) =>
    expect === "broken" ? palette.red(`${name} (broken)`) : palette.green(`${name} (safe)`)
  );
  const from = palette.dim(`from ${scenario.seed}`);
  return [
    fold(`${palette.bold(scenario.name)}  ${scenario.title}  ${from}`, layout, 4),
    fold(`  ${variants.join(", ")}`, layout, 2),
  ].join("\n");
}

/** All that a scenario teaches. */
export function scenarioPage(scenario: ScenarioText, { palette, width }: Layout): string {
  const columns = Math.min(width, 100);
  const paragraphs = scenario.lesson.map((paragraph) => wrap(paragraph, columns).join("\n"));
  const names = Math.max(
    16,
    ...[...Object.keys(scenario.variants), ...Object.keys(scenario.parameters)].map(widthOf),
  );
  const variants = Object.entries(scenario.variants).flatMap(([name, { expect, because }]) => {
    const verdict = expect === "broken" ? palette.red("broken") : palette.green("safe  ");
    return wrap(`  ${name.padEnd(names)} ${verdict}  ${because}`, columns, names + 11);
  });
  const parameters = Object.entries(scenario.parameters).flatMap(([name, parameter]) => {
    const { about, smoke, min, max } = parameter;
    return wrap(
      `  ${name.padEnd(names)} ${about}: ${smoke}, from ${min} to ${max}`,
      columns,
      names + 3,
    );
  });
  return [
    palette.bold(`${scenario.title} (${scenario.name})`),
    ...paragraphs,
    palette.bold("Variants"),
    variants.join("\n"),
    ...(parameters.length === 0 ? [] : [palette.bold("Parameters"), parameters.join("\n")]),
    [
      ...wrap(`Between ${scenario.worlds.join(", ")}. From ${scenario.seed}.`, columns),
      ...Object.entries(scenario.notes ?? {}).map(([world, why]) =>
        wrap(
          `${scenario.worlds.includes(world) ? "In part" : "Not"} between ${world}: ${why}`,
          columns,
        ).join("\n")
      ),
    ].join("\n"),
  ].join("\n\n");
}
