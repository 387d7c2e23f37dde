/**
 * The lab at the command line.
 *
 * Results go to stdout, everything else to stderr. Exit status: 0 when all expectations were met, 1
 * when one was not (a replay that breaks among them), 2 when the command could not be carried out.
 *
 * @module
 */
import process from "node:process";
import { Command, CommanderError } from "commander";
import { ScheduleCodeError } from "../engine/mod.ts";
import {
  type Layout,
  palette,
  scenarioLine,
  scenarioPage,
  summary,
  tourIntroduction,
  tourPointers,
  trialLine,
  trialReport,
  type TrialResult,
} from "../reports/mod.ts";
import { wrap } from "../reports/_wrap.ts";
import { findScenario, scenarios } from "../scenarios/mod.ts";
import { type Scenario, UsageError, whyNot, WorldError, type WorldName } from "../worlds/mod.ts";
import { didYouMean } from "../worlds/_did_you_mean.ts";
import {
  parsePositive,
  parseSetting,
  parseStrategy,
  parseWhole,
  parseWorld,
  WORLDS,
} from "./_arguments.ts";
import { BenchCommand, type BenchFlags, figureList, parsePercent } from "./_bench_command.ts";
import { findSubjects, isHere, type LeftOut, requireWorld, worldsOf } from "./_choice.ts";
import { tourTogether } from "./_crew.ts";
import { STRATEGY_NAMES, type StrategyName } from "./_make_strategy.ts";
import { hasPart } from "./_has_part.ts";
import { writeReport } from "./report.ts";
import { play } from "./play.ts";
import { processTerminal, progressLine, type Terminal } from "./terminal.ts";
import { Distances } from "./tour.ts";
import { nearestWorld } from "./_nearest.ts";
import { recallSchedule } from "./recall.ts";
import { investigate, REPLAYS, reproduce } from "./trial.ts";

export type { Terminal };

const MET = 0;
const NOT_MET = 1;
const UNUSABLE = 2;

/** For how many milliseconds a report measures each variant. */
const REPORT_TIME = 200;

/**
 * Runs one command.
 *
 * @param args What was typed after the program's name.
 * @param terminal Where to write.
 * @returns The exit status.
 */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const { colours, width, piped } = terminal;
  const lines = piped ? Infinity : width;
  const layout: Layout = { palette: palette(colours), width, lines };
  let status = MET;
  const finish = (met: boolean): void => {
    if (!met) status = NOT_MET;
  };
  try {
    await commands(terminal, layout, finish).parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    terminal.progress("");
    if (error instanceof CommanderError) return error.exitCode === 0 ? MET : UNUSABLE;
    if (!isExpected(error)) throw error;
    terminal.err(complaint(error.message, terminal));
    return UNUSABLE;
  }
}

/** What can be answered in one line; anything else is a defect of the lab and shows its stack. */
function isExpected(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof ScheduleCodeError ||
    error instanceof WorldError;
}

/** What is wrong, in one line; for a person who watches, in lines that fit. */
function complaint(text: string, { interactive, width }: Terminal): string {
  const line = text.trim().replace(/\s*\n\s*/g, " ");
  return interactive ? wrap(line, width).join("\n") : line;
}

function commands(terminal: Terminal, layout: Layout, finish: (met: boolean) => void): Command {
  const json = (value: unknown): void => terminal.out(JSON.stringify(value, null, 2));
  const program = new Command("lab")
    .description("Races, explored, explained, replayed and measured.")
    .exitOverride()
    .configureHelp({ minWidthToWrap: 30 })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      getOutHelpWidth: () => terminal.width,
      getErrHelpWidth: () => terminal.width,
      outputError: (text, write) => write(complaint(text, terminal)),
    });
  const command = (signature: string, about: string, settings?: { isDefault: boolean }) =>
    program.command(signature, settings).description(about)
      .option("--json", "print JSON instead of text");

  command("tour [scenario]", "every variant of every scenario at every distance (the default)", {
    isDefault: true,
  })
    .option("--world <world>", `only this distance: ${WORLDS}`, parseWorld)
    .option("--seed <number>", "fixes every random choice", parseWhole, 1)
    .action((name: string | undefined, options: TourFlags) =>
      runTour(name === undefined ? scenarios : [findTourStop(name)], options)
    );

  command("list", "the scenarios and their variants").action((options: JsonFlag) => {
    if (options.json) json(scenarios.map(toData));
    else for (const scenario of scenarios) terminal.out(scenarioLine(scenario, layout));
  });

  command("show <name>", "what races in a scenario, why, and how it is mended")
    .action((name: string, options: JsonFlag) => {
      const scenario = findScenario(name);
      if (options.json) json(toData(scenario));
      else terminal.out(scenarioPage(scenario, layout));
    });

  command("run <name[/variant]>", "look for an order that breaks a variant")
    .option("--world <world>", `the distance, if not the nearest: ${WORLDS}`, parseWorld)
    .option("--strategy <name>", STRATEGY_NAMES.join(", "), parseStrategy)
    .option("--seed <number>", "fixes every random choice", parseWhole, 1)
    .option("--budget <number>", "schedules at most", parsePositive)
    .option("--steps <number>", "after how many steps a run counts as endless", parsePositive)
    .option("--set <name=value>", "set a parameter; may be given more than once", parseSetting)
    .option("--full", "show every step, also those that concern only their own actor")
    .option("--passing", "show a run that passes when none fails")
    .action(async (target: string, options: RunFlags) => {
      const { strategy, seed, budget, set: parameters } = options;
      const all = findSubjects(target, parameters);
      const oneAsked = options.world !== undefined || target.includes("/");
      const subjects = all.filter((subject) => oneAsked || isHere(subject));
      for (const subject of all.filter((each) => !subjects.includes(each))) {
        terminal.err(`left out ${subject.label}: ${whyNot(nearestWorld(subject))}`);
      }
      await using distances = new Distances();
      const results: TrialResult[] = [];
      for (const subject of subjects) {
        const world = options.world ?? nearestWorld(subject);
        requireWorld(subject, world);
        const what = `${subject.label} between ${world}`;
        terminal.progress(what);
        results.push(
          await investigate(distances.get(world), subject, {
            strategy,
            seed,
            budget,
            maxSteps: options.steps,
            showPassing: options.passing,
            onProgress: (schedules) => terminal.progress(`${what}: ${schedules} schedules`),
          }),
        );
        terminal.progress("");
        if (!options.json) {
          terminal.out(trialReport(results.at(-1)!, { ...layout, full: options.full }) + "\n");
        }
      }
      if (options.json) json(target.includes("/") ? results[0] : results);
      finish(results.every((result) => result.met));
    });

  command("replay <code>", "run a schedule again, move for move")
    .argument("[name/variant]", "refuse a code that is for something else")
    .option("--world <world>", `the distance, if not the nearest: ${WORLDS}`, parseWorld)
    .option("--times <number>", "how often", parsePositive, REPLAYS)
    .option("--steps <number>", "after how many steps a run counts as endless", parsePositive)
    .option("--full", "show every step, also those that concern only their own actor")
    .action(async (code: string, target: string | undefined, options: ReplayFlags) => {
      const known = await recallSchedule(code, { target, maxSteps: options.steps });
      const world = options.world ?? nearestWorld(known.subject);
      requireWorld(known.subject, world);
      await using distances = new Distances();
      terminal.progress(`replaying ${known.subject.label} between ${world}`);
      const result = await reproduce(distances.get(world), known, options.times);
      terminal.progress("");
      if (options.json) json(result);
      else terminal.out(trialReport(result, { ...layout, full: options.full }));
      finish(result.verdict === "safe");
    });

  command("play <name[/variant]>", "you choose who moves next, and try to break a variant")
    .option("--set <name=value>", "set a parameter; may be given more than once", parseSetting)
    .action(async (target: string, options: PlayFlags) => {
      const [subject] = findSubjects(target, options.set);
      await using distances = new Distances();
      const world = nearestWorld(subject);
      requireWorld(subject, world);
      const program = await distances.get(world).stepped(subject);
      try {
        const game = await play(
          subject,
          program,
          options.json ? silent(terminal) : terminal,
          layout,
        );
        if (options.json) json(game);
        finish(subject.variant.expect === "broken" || game.broken !== true);
      } finally {
        terminal.asked();
      }
    });

  command(
    "bench [text]",
    "measure scenarios and your interlock.bench.ts, what became slower, or a figure",
  )
    .option("--world <world>", `only the scenarios, at this distance: ${WORLDS}`, parseWorld)
    .option("--suite <module>", "only the benchmarks of this module")
    .option("--time <ms>", "how long to measure each", parsePositive)
    .option("--smoke", "once, where it is nearest: whether everything runs and is right")
    .option("--save <file>", "measure the suite in fresh processes, and keep the results")
    .option("--compare <file>", "the same, and compare with results that were kept")
    .option("--against <ref>", "measure the suite of that git revision in turn, and compare")
    .option("--fail-over <percent>", "exit 1 when a benchmark is slower by more", parsePercent)
    .option("--blocks <number>", "processes of each revision", parsePositive)
    .option("--markdown", "print comparisons and figures as Markdown")
    .option("--seeds <number>", "from how many seeds first-bug looks for each bug", parsePositive)
    .option("--budget <number>", "schedules at most in each search of first-bug", parsePositive)
    .addHelpText("after", `\nFigures:\n${figureList()}`)
    .action(async (text: string | undefined, options: BenchFlags) => {
      const named = ({ name }: Scenario) =>
        hasPart(name, text) || text !== undefined && hasPart(text, name);
      const { worlds, leftOut } = worldsOf(options.world, scenarios.filter(named));
      finish(await new BenchCommand(options, terminal, layout).run(text, worlds));
      if (options.world === undefined) tellLeftOut(leftOut, terminal.err);
    });

  command("report [name]", "the tour and the measurements as pages for a browser")
    .option("--out <folder>", "where to put them", "lab-report")
    .option("--world <world>", `only this distance: ${WORLDS}`, parseWorld)
    .option("--seed <number>", "fixes every random choice", parseWhole, 1)
    .option(
      "--time <ms>",
      "how long to measure each variant; 0 for not at all",
      parseWhole,
      REPORT_TIME,
    )
    .option("--figures", "the tables and curves of lab bench as well, which takes minutes")
    .action(async (name: string | undefined, options: ReportFlags) => {
      const chosen = name === undefined ? scenarios : [findScenario(name)];
      const { worlds, leftOut } = worldsOf(options.world, chosen);
      const outcome = await writeReport(chosen, {
        out: options.out,
        worlds,
        seed: options.seed,
        time: options.time,
        figures: options.figures ? "figures" : undefined,
        command: ["deno task lab report", ...reportArguments(name, options)].join(" "),
      }, { trying: (done, total, what) => terminal.progress(progressLine(done, total, what)) });
      terminal.progress("");
      tellLeftOut(leftOut, terminal.err);
      if (options.json) json(outcome);
      else terminal.out(outcome.files.join("\n"));
      finish(outcome.met);
    });

  /** Tries every variant, and tells of each as soon as it was tried. */
  async function runTour(stops: readonly Scenario[], options: TourFlags): Promise<void> {
    const started = performance.now();
    let scenario = "";
    const { worlds, leftOut } = worldsOf(options.world, stops);
    if (!options.json) terminal.err(tourIntroduction(layout));
    const results = await tourTogether(stops, {
      worlds,
      seed: options.seed,
    }, {
      trying: (done, total, what) => terminal.progress(progressLine(done, total, what)),
      tried: (result) => {
        terminal.progress("");
        if (options.json) return;
        if (result.scenario !== scenario) {
          scenario = result.scenario;
          terminal.out(layout.palette.bold(`${scenario}: ${findScenario(scenario).title}`));
        }
        terminal.out(trialLine(result, layout));
      },
    });
    const elapsed = performance.now() - started;
    const met = results.every((result) => result.met);
    if (options.json) json({ met, elapsed, results, leftOut });
    else {
      terminal.out(`\n${summary(results, elapsed, layout)}`);
      tellLeftOut(leftOut, terminal.out);
      terminal.err(tourPointers(layout));
    }
    finish(met);
  }

  /** What stands alone after `lab` may be a scenario; a mistyped command ends up here too. */
  function findTourStop(name: string): Scenario {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found !== undefined) return found;
    const commands = [...program.commands.map((each) => each.name()), "help"];
    const names = scenarios.map((scenario) => scenario.name);
    const [scenario] = name.split("/");
    if (scenario !== name && names.includes(scenario)) {
      const [{ label }] = findSubjects(name);
      throw new UsageError(
        `Cannot tour ${label}: a tour is of a whole scenario, lab ${scenario}; one variant is lab run ${label}`,
      );
    }
    const all = "lab --help shows the commands, lab list the scenarios";
    throw new UsageError(
      `Cannot find command or scenario "${name}": ${
        didYouMean(name, [...commands, ...names], all)
      }`,
    );
  }

  return program;
}

interface JsonFlag {
  json?: boolean;
}

interface TourFlags extends JsonFlag {
  world?: WorldName;
  seed: number;
}

interface RunFlags extends JsonFlag {
  world?: WorldName;
  strategy?: StrategyName;
  seed: number;
  budget?: number;
  steps?: number;
  full?: boolean;
  passing?: boolean;
  set?: Record<string, number>;
}

interface ReplayFlags extends JsonFlag {
  world?: WorldName;
  full?: boolean;
  steps?: number;
  times: number;
}

interface ReportFlags extends TourFlags {
  figures?: boolean;
  out: string;
  time: number;
}

interface PlayFlags extends JsonFlag {
  set?: Record<string, number>;
}

/** The same terminal, which shows nothing but what is asked. */
function silent(terminal: Terminal): Terminal {
  return { ...terminal, out: () => {} };
}

/** What makes the same report again. */
function reportArguments(name: string | undefined, options: ReportFlags): string[] {
  const { world, seed, time, figures } = options;
  return [
    ...(name === undefined ? [] : [name]),
    ...(world === undefined ? [] : [`--world ${world}`]),
    ...(seed === 1 ? [] : [`--seed ${seed}`]),
    ...(time === REPORT_TIME ? [] : [`--time ${time}`]),
    ...(figures ? ["--figures"] : []),
  ];
}

function tellLeftOut(leftOut: readonly LeftOut[], tell: (line: string) => void): void {
  for (const { world, why } of leftOut) tell(`left out between ${world}: ${why}`);
}

/** A scenario as data: all but what cannot be written down. */
function toData(scenario: Scenario): unknown {
  const { name, title, seed, lesson, parameters, worlds, notes, variants } = scenario;
  return {
    name,
    title,
    seed,
    lesson,
    parameters,
    worlds,
    notes,
    variants: Object.fromEntries(
      Object.entries(variants).map(([variant, { expect, because, symptom, worlds }]) => [
        variant,
        { expect, because, symptom, worlds },
      ]),
    ),
  };
}

if (import.meta.main) {
  // Whoever reads has gone, as `head` does: there is nobody left to tell.
  process.stdout.on("error", () => process.exit());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  process.exitCode = await main(process.argv.slice(2), processTerminal());
  // A suite may have started what does not end by itself.
  process.stdout.write("", () => process.exit());
}
