import { describeOperation, type Event, type Operation } from "./operation.ts";
import { Divergence, type Evidence, type RunView, type Strategy } from "./strategy.ts";

/**
 * Follows a given schedule move for move.
 *
 * Where the operations of the original run are known, each is compared before it is carried out: a
 * program that has changed, or behaves otherwise at this distance, is told at the step where it
 * first differs instead of by a wrong result at the end.
 */
export class ReplayStrategy implements Strategy {
  readonly name = "replay";
  readonly #choices: readonly number[];
  readonly #events: readonly Event[] | undefined;
  readonly #exact: boolean;
  #begun = false;

  /**
   * Takes the schedule to follow.
   *
   * @param choices The actor of each step.
   * @param events The events of the original run, if known.
   * @param exact Whether the actors that can move are compared too.
   */
  constructor(choices: readonly number[], events?: readonly Event[], exact = false) {
    this.#choices = choices;
    this.#events = events;
    this.#exact = exact;
  }

  begin(): boolean {
    if (this.#begun) return false;
    return this.#begun = true;
  }

  choose(enabled: readonly number[], run: RunView): number {
    if (run.steps >= this.#choices.length) {
      throw new Divergence("the end of the schedule", move(run, enabled[0]));
    }
    const actor = this.#choices[run.steps];
    const original = this.#events?.[run.steps];
    const expected = original?.operation;
    const found = run.pending(actor);
    if (!enabled.includes(actor) || (expected !== undefined && !same(expected, found))) {
      const wanted = expected === undefined ? "to move" : `to ${describeOperation(expected)}`;
      throw new Divergence(`${nameOf(run, actor)} ${wanted}`, move(run, actor));
    }
    if (this.#exact && original !== undefined && original.enabled.join() !== enabled.join()) {
      throw new Divergence(able(run, original.enabled), able(run, enabled));
    }
    return actor;
  }

  evidence(schedules: number): Evidence {
    return { kind: "partial", orders: schedules };
  }
}

/** A step of the schedule that the run could not take. */
function notMoving(run: RunView, actor: number): StepDivergence {
  const expected = `${nameOf(run, actor)} to move`;
  return { step: run.steps + 1, expected, found: move(run, actor) };
}

function nameOf(run: RunView, actor: number): string {
  return run.actors[actor] ?? `actor ${actor + 1}`;
}

function same(a: Operation, b: Operation | undefined): boolean {
  return b !== undefined && a.object === b.object && a.kind === b.kind;
}

function move(run: RunView, actor: number): string {
  const name = run.actors[actor];
  if (name === undefined) return `only ${run.actors.length} actors`;
  const operation = run.pending(actor);
  if (operation === undefined) return `${name} with nothing to do`;
  return `${name} before ${describeOperation(operation)}`;
}

function able(run: RunView, actors: readonly number[]): string {
  return `${actors.map((actor) => run.actors[actor]).join(" and ")} able to move`;
}

/** A step at which a run did not do what its schedule says. */
export interface StepDivergence {
  /** The step, from 1. */
  readonly step: number;
  /** What the schedule says. */
  readonly expected: string;
  /** What stood there instead. */
  readonly found: string;
}

/**
 * Follows a schedule as far as it can: a step whose actor cannot move is left out, and when the steps
 * are used up the actor that was moving goes on. Any list of actors is a schedule to it, which is what
 * shrinking needs; and code that was mended can be run in the order that broke it.
 */
export class LenientReplayStrategy implements Strategy {
  readonly name = "lenient replay";
  readonly #choices: readonly number[];
  #next = 0;
  #previous = -1;
  #divergence: StepDivergence | undefined;

  /**
   * Takes the schedule to follow.
   *
   * @param choices The actor of each step.
   */
  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  /** Where the run first took another way than the schedule, if it did. */
  get divergence(): StepDivergence | undefined {
    return this.#divergence;
  }

  begin(): boolean {
    return this.#next === 0;
  }

  choose(enabled: readonly number[], run: RunView): number {
    while (this.#next < this.#choices.length) {
      const actor = this.#choices[this.#next++];
      if (enabled.includes(actor)) return this.#previous = actor;
      this.#divergence ??= notMoving(run, actor);
    }
    if (!enabled.includes(this.#previous)) this.#previous = enabled[0];
    this.#divergence ??= {
      step: run.steps + 1,
      expected: "the end of the schedule",
      found: move(run, this.#previous),
    };
    return this.#previous;
  }

  ended(run: RunView): void {
    const left = this.#choices[this.#next];
    if (left !== undefined) this.#divergence ??= notMoving(run, left);
  }

  evidence(schedules: number): Evidence {
    return { kind: "partial", orders: schedules };
  }
}
