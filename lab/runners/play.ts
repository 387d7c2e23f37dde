/**
 * You are the scheduler: a variant stands still before each step, you choose who moves, and try to
 * break it.
 *
 * Nothing is kept but the choices: for each turn the run is made anew up to there, as a replay is. So a
 * step can be taken back, and what was found is a schedule like any other.
 */
import {
  describeOperation,
  describeOutcome,
  encodeSchedule,
  explore,
  type Operation,
  type Program,
  PRUNE,
  record,
  type Recording,
  type RunView,
  shrink,
  type Strategy,
  switches,
} from "../engine/mod.ts";
import { describeWaits, type Layout, plural, timeline, toFailure, toRun } from "../reports/mod.ts";
import type { Subject } from "../worlds/mod.ts";
import { makeStrategy } from "./_make_strategy.ts";
import type { Terminal } from "./terminal.ts";

/** How many orders are tried to know how few preemptions suffice. */
const PAR_BUDGET = 20_000;

/** An actor that can move, and what it would do. */
interface Move {
  readonly actor: number;
  readonly operation: Operation | undefined;
}

/** Follows the choices, looks who could go on, and gives the run up there. */
class Peek implements Strategy {
  readonly name = "play";
  moves: readonly Move[] = [];

  constructor(readonly choices: readonly number[]) {}

  begin(): boolean {
    return true;
  }

  choose(enabled: readonly number[], run: RunView): number {
    if (run.steps < this.choices.length) return this.choices[run.steps];
    this.moves = enabled.map((actor) => ({ actor, operation: run.pending(actor) }));
    return PRUNE;
  }

  evidence(schedules: number): { kind: "partial"; orders: number } {
    return { kind: "partial", orders: schedules };
  }
}

/** How a game ended. */
export interface Game {
  /** Whether the variant was broken; `undefined` when the player left before its end. */
  readonly broken: boolean | undefined;
  /** The code of the order that was played to its end. */
  readonly schedule?: string;
}

/**
 * Plays one game.
 *
 * @param subject What is played.
 * @param program The same, as the engine runs it.
 * @param terminal Where the player sits.
 * @param layout How timelines are drawn.
 * @returns How it ended.
 */
export async function play(
  subject: Subject,
  program: Program,
  terminal: Terminal,
  layout: Layout,
): Promise<Game> {
  const { palette } = layout;
  terminal.out(`${palette.bold(subject.label)}: ${subject.scenario.title}`);
  terminal.out(
    `You choose who moves next. Try to break it. ${
      palette.dim("A name or number moves, u takes a step back, q leaves.")
    }`,
  );
  const choices: number[] = [];
  for (;;) {
    const peek = new Peek(choices);
    const recording = await record(program, peek);
    if (peek.moves.length === 0) return await finish(subject, program, recording, terminal, layout);
    if (recording.events.length > 0) {
      terminal.out(`\n${timeline(toRun(program.actors, recording), { ...layout, full: true })}`);
    }
    const width = Math.max(...peek.moves.map(({ actor }) => program.actors[actor].length));
    terminal.out("");
    peek.moves.forEach(({ actor, operation }, place) => {
      const would = operation === undefined ? "go on" : describeOperation(operation);
      terminal.out(`  ${place + 1}  ${program.actors[actor].padEnd(width)}  would ${would}`);
    });
    const move = await ask(terminal, program, peek.moves);
    if (move === "quit") {
      terminal.out("Left before the end");
      return { broken: undefined };
    }
    if (move === "back") choices.pop();
    else choices.push(move);
  }
}

/** Asks until the answer is one. */
async function ask(
  terminal: Terminal,
  program: Program,
  moves: readonly Move[],
): Promise<number | "back" | "quit"> {
  const names = moves.map(({ actor }) => program.actors[actor]);
  for (;;) {
    const answer = (await terminal.ask(`who moves? ${names.join(", ")} > `))?.trim();
    if (answer === undefined || answer === "q") return "quit";
    if (answer === "u") return "back";
    const place = /^\d+$/.test(answer)
      ? Number(answer) - 1
      : names.findIndex((name) => name.toLowerCase() === answer.toLowerCase());
    if (moves[place] !== undefined) return moves[place].actor;
    terminal.out(
      `Cannot move "${answer}": it takes ${names.join(", ")}, ${
        names.length === 1 ? "1" : `a number from 1 to ${names.length}`
      }, u or q`,
    );
  }
}

async function finish(
  subject: Subject,
  program: Program,
  recording: Recording,
  terminal: Terminal,
  layout: Layout,
): Promise<Game> {
  const { palette } = layout;
  const { choices, outcome, preemptions } = recording;
  const broken = outcome.kind !== "passed";
  const failure = toFailure(program.actors, recording);
  terminal.out(`\n${timeline(broken ? failure : toRun(program.actors, recording), layout)}\n`);
  terminal.out(broken ? palette.red(failure.headline) : palette.green("It held: nothing is wrong"));
  if (broken && failure.message !== failure.headline) terminal.out(describeOutcome(outcome));
  for (const line of describeWaits(failure.waits ?? [])) terminal.out(line);
  terminal.out(
    `${plural(choices.length, "step")}, ${plural(preemptions, "preemption")}, ${
      plural(switches(choices), "switch", "switches")
    }. ${await score(program, broken, preemptions)}`,
  );
  const schedule = encodeSchedule({
    scenario: subject.scenario.name,
    variant: subject.variantName,
    parameters: subject.values,
    structure: subject.structure,
    choices,
  });
  terminal.out(`schedule ${palette.bold(schedule)}`);
  return { broken, schedule };
}

/** How good that was, beside what the lab itself finds. */
async function score(program: Program, broken: boolean, preemptions: number): Promise<string> {
  const { failure } = await explore(program, {
    strategy: makeStrategy("portfolio", 1, PAR_BUDGET),
    budget: PAR_BUDGET,
  });
  if (failure === undefined) {
    return broken ? "The lab did not find that!" : "The lab has not broken it either";
  }
  const found = await record(program, new Peek(failure.choices));
  const par = (await shrink(program, found)).recording.preemptions;
  if (!broken) return `It can be broken with ${plural(par, "preemption")}: try again`;
  if (preemptions <= par) return `Score 100: fewer ${par === 0 ? "there are not" : "do not do it"}`;
  return `Score ${Math.round(100 * (par + 1) / (preemptions + 1))}: ${
    plural(par, "preemption")
  } would do`;
}
