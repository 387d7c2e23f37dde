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
  #begun = false;

  /**
   * @param choices The actor of each step.
   * @param events The operations of the original run, if known.
   */
  constructor(choices: readonly number[], events?: readonly Event[]) {
    this.#choices = choices;
    this.#events = events;
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
    const expected = this.#events?.[run.steps]?.operation;
    const found = run.pending(actor);
    if (!enabled.includes(actor) || (expected !== undefined && !same(expected, found))) {
      const wanted = expected === undefined ? "to move" : `to ${describeOperation(expected)}`;
      throw new Divergence(
        `${run.actors[actor] ?? `actor ${actor + 1}`} ${wanted}`,
        move(run, actor),
      );
    }
    return actor;
  }

  evidence(schedules: number): Evidence {
    return { kind: "partial", orders: schedules };
  }
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
