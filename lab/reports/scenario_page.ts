/** A scenario in words. */
import type { Layout } from "./text.ts";

/** What the reports need of a scenario. */
export interface ScenarioText {
  readonly name: string;
  readonly title: string;
  readonly seed: string;
  readonly lesson: readonly string[];
  readonly worlds: readonly string[];
  readonly parameters: Readonly<
    Record<
      string,
      { readonly about: string; readonly smoke: number; readonly min: number; readonly max: number }
    >
  >;
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
    `Between ${scenario.worlds.join(", ")}. From ${scenario.seed}.`,
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
