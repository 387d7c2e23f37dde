/** A scenario in words. */
import type { Layout } from "./text.ts";

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
export function scenarioLine(scenario: ScenarioText, { palette }: Layout): string {
  const variants = Object.entries(scenario.variants).map(([name, { expect }]) =>
    expect === "broken" ? palette.red(`${name} (broken)`) : palette.green(`${name} (safe)`)
  );
  return [
    `${palette.bold(scenario.name)}  ${scenario.title}  ${palette.dim(`from ${scenario.seed}`)}`,
    `  ${variants.join(", ")}`,
  ].join("\n");
}

/** All that a scenario teaches. */
export function scenarioPage(scenario: ScenarioText, { palette, width }: Layout): string {
  const columns = Math.min(width, 100);
  const paragraphs = scenario.lesson.map((paragraph) => wrap(paragraph, columns));
  const variants = Object.entries(scenario.variants).map(([name, { expect, because }]) =>
    `  ${name.padEnd(16)} ${
      expect === "broken" ? palette.red("broken") : palette.green("safe  ")
    }  ${because}`
  );
  const parameters = Object.entries(scenario.parameters).map(([name, parameter]) =>
    `  ${
      name.padEnd(16)
    } ${parameter.about}: ${parameter.smoke}, from ${parameter.min} to ${parameter.max}`
  );
  return [
    palette.bold(`${scenario.title} (${scenario.name})`),
    ...paragraphs,
    palette.bold("Variants"),
    variants.join("\n"),
    palette.bold("Parameters"),
    parameters.join("\n"),
    [
      `Between ${scenario.worlds.join(", ")}. From ${scenario.seed}.`,
      ...Object.entries(scenario.notes ?? {}).map(([world, why]) =>
        wrap(`Not between ${world}: ${why}`, columns)
      ),
    ].join("\n"),
  ].join("\n\n");
}

function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
