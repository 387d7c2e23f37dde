/**
 * One run of a program: actors stop before each operation, and one of them is let go.
 *
 * Invariant: between two choices exactly one actor runs. It runs until it stands before its next
 * operation (`park`) or ends (`finish`), and that very call makes the next choice. So the engine
 * never counts microtasks and needs no macrotask a step: the actors themselves drive it. `#running`
 * counts the actors on the move; the call that brings it to zero chooses. An actor that awaits
 * something the engine does not see would stop the loop; the watchdog then takes it for astray,
 * lets another go, and marks the run as best effort.
 */
import { describeOperation, type Event, type Operation } from "./operation.ts";
import { type Outcome, verdict, violation, type Waiting } from "./outcome.ts";
import type { Action, Program } from "./program.ts";
import { Divergence, Nondeterminism, PRUNE, type RunView, type Strategy } from "./strategy.ts";
import { Watchdog } from "./watchdog.ts";

/** A run ends as endless after this many steps, unless told otherwise. */
export const MAX_STEPS = 10_000;

/**
 * How often an actor that could go may be passed over. Beyond it the engine lets the actor go whatever
 * the strategy says: no scheduler that people run programs on starves one for ever.
 */
export const MAX_PASSED_OVER = 1_000;

/** How long an actor may be astray before nobody else being able to move counts as deadlock, in ms. */
const PATIENCE = 100;

const RUNNING = 1;
const PARKED = 2;
const FINISHED = 3;
const ASTRAY = 4;

/** How a run reports its end. */
export interface Listener {
  /** The run has ended with a verdict. */
  ended(outcome: Outcome): void;
  /** The run could not be carried through. */
  failed(error: unknown): void;
}

/** The run loop. One instance serves any number of runs of one program, one after another. */
export class Run implements RunView {
  readonly #program: Program;
  readonly #maxSteps: number;
  readonly #watchdog: Watchdog;
  readonly #actions: (Action | undefined)[];
  readonly #states: number[];
  readonly #enabled: number[] = [];
  readonly #passedOver: number[];
  readonly #latest: Event[] = [];
  #strategy!: Strategy;
  #listener!: Listener;
  #events: Event[] | undefined;
  #choices: number[] = [];
  #preemptions = 0;
  #running = 0;
  #unfinished = 0;
  #active = false;
  #settling = false;
  #judging = false;
  #progress = 0;
  #stalledSince: number | undefined;
  #intervention: string | undefined;

  /**
   * Prepares to run a program.
   *
   * @param program What is run.
   * @param maxSteps After how many operations a run ends as endless.
   * @throws {RangeError} when `maxSteps` is no whole number from 1 on: then no run would have an end.
   */
  constructor(program: Program, maxSteps: number = program.maxSteps ?? MAX_STEPS) {
    if (!(Number.isSafeInteger(maxSteps) && maxSteps >= 1)) {
      throw new RangeError(`Cannot run up to ${maxSteps} steps: whole numbers from 1 on`);
    }
    this.#program = program;
    this.#maxSteps = maxSteps;
    this.#actions = program.actors.map(() => undefined);
    this.#states = program.actors.map(() => FINISHED);
    this.#passedOver = program.actors.map(() => 0);
    this.#watchdog = new Watchdog(this);
  }

  /** The actors' names. */
  get actors(): readonly string[] {
    return this.#program.actors;
  }

  /** How many operations have been carried out. */
  get steps(): number {
    return this.#choices.length;
  }

  /** The actor of each step so far; valid until the next run begins. */
  get choices(): readonly number[] {
    return this.#choices;
  }

  /** How often an actor that could have gone on was interrupted by another. */
  get preemptions(): number {
    return this.#preemptions;
  }

  /** Whether the order was decided in part by something the engine does not control. */
  get bestEffort(): boolean {
    return this.#intervention !== undefined;
  }

  /** What that was, the first time, in words. */
  get intervention(): string | undefined {
    return this.#intervention;
  }

  /** For the watchdog: grows with every move, `undefined` between runs. */
  get progress(): number | undefined {
    return this.#active ? this.#progress : undefined;
  }

  /** The operation an actor stands before. */
  pending(actor: number): Operation | undefined {
    return this.#actions[actor]?.operation;
  }

  /**
   * Starts a run.
   *
   * @param strategy Chooses who moves.
   * @param events Where to record what happens; left out, nothing is recorded.
   * @param listener Told how the run ended; exactly one of its methods is called, once.
   */
  begin(strategy: Strategy, events: Event[] | undefined, listener: Listener): void {
    this.#strategy = strategy;
    this.#events = events;
    this.#listener = listener;
    this.#choices.length = 0;
    const count = this.#states.length;
    for (let actor = 0; actor < count; actor++) {
      this.#states[actor] = RUNNING;
      this.#actions[actor] = undefined;
      this.#passedOver[actor] = 0;
    }
    this.#running = count;
    this.#unfinished = count - (this.#program.daemons ?? 0);
    this.#preemptions = 0;
    this.#active = true;
    this.#settling = false;
    this.#judging = false;
    this.#intervention = undefined;
    this.#stalledSince = undefined;
    if (!this.#program.remote) this.#watchdog.arm();
    try {
      this.#program.start(this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** An actor has come to an operation and waits to be let go. */
  park(actor: number, action: Action): void {
    this.#actions[actor] = action;
    this.#arrive(actor, PARKED);
  }

  /** An actor has ended. */
  finish(actor: number): void {
    const left = this.#actions[actor];
    if (left !== undefined && this.#active) {
      const operation = describeOperation(left.operation);
      return this.threw(actor, new TypeError(`Cannot end: ${operation} has not been awaited`));
    }
    this.#unfinished--;
    this.#arrive(actor, FINISHED);
  }

  /** An actor is taken out of the run, whatever it stood before: it was killed. */
  leave(actor: number): void {
    if (this.#states[actor] === FINISHED) return;
    this.#actions[actor] = undefined;
    this.finish(actor);
  }

  /** An actor has ended by throwing, which ends the run. */
  threw(actor: number, error: unknown): void {
    if (!this.#active) return;
    this.#end({ kind: "threw", actor: this.actors[actor], error });
  }

  /** The world cannot carry the run through. */
  fail(error: unknown): void {
    if (!this.#active) return;
    this.#active = false;
    this.#program.abandon?.();
    this.#listener.failed(error);
  }

  /** What the operation under way of `actor` answered. */
  returned(actor: number, result: unknown): void {
    if (this.#events !== undefined) this.#latest[actor].result = result;
  }

  /** For the watchdog: a macrotask has passed in which nothing moved. */
  stalled(): void {
    // The check takes the time it takes.
    if (this.#judging) return;
    if (this.#running > 0) {
      this.#intervention ??= this.#tellAstray();
      for (let actor = 0; actor < this.#states.length; actor++) {
        if (this.#states[actor] === RUNNING) this.#states[actor] = ASTRAY;
      }
      this.#running = 0;
      this.#next();
      return;
    }
    if (this.#settling) return;
    const waiting = this.#actions.some((action) => action?.patient);
    if (waiting && this.#actions.some((action) => action?.ready())) {
      this.#intervention ??= this.#tellPatient();
      return this.#next();
    }
    const now = performance.now();
    this.#stalledSince ??= now;
    if (now - this.#stalledSince > PATIENCE) this.#deadlock();
  }

  #arrive(actor: number, state: number): void {
    const before = this.#states[actor];
    this.#states[actor] = state;
    this.#progress++;
    if (!this.#active) return;
    if (before === RUNNING) {
      if (--this.#running === 0) this.#next();
    } else if (before === ASTRAY) {
      this.#stalledSince = undefined;
      if (this.#running === 0 && !this.#settling) this.#next();
    }
  }

  #next(): void {
    if (this.#unfinished === 0) return this.#judge();
    const settling = this.#program.settle?.();
    if (settling !== undefined) {
      this.#settling = true;
      settling.then(() => {
        this.#settling = false;
        if (this.#active) this.#next();
      }, (error) => this.fail(error));
      return;
    }
    const enabled = this.#enabled;
    let count = 0;
    for (let actor = 0; actor < this.#actions.length; actor++) {
      const action = this.#actions[actor];
      if (action !== undefined && action.ready()) enabled[count++] = actor;
    }
    enabled.length = count;
    if (count > 0) this.#step(enabled);
    else if (!this.#states.includes(ASTRAY) && !this.#actions.some((action) => action?.patient)) {
      this.#deadlock();
    }
    // Else somebody may yet come back: the watchdog decides when that is a deadlock.
  }

  #step(enabled: readonly number[]): void {
    if (this.steps === this.#maxSteps) return this.#endless();
    let actor: number;
    try {
      actor = this.#starving(enabled) ?? this.#strategy.choose(enabled, this);
    } catch (error) {
      if (!(error instanceof Divergence)) return this.fail(error);
      const { expected, found } = error;
      return this.#end({ kind: "diverged", step: this.steps + 1, expected, found });
    }
    if (actor === PRUNE) return this.#end({ kind: "pruned" });
    if (!enabled.includes(actor)) {
      return this.fail(
        new Nondeterminism(
          `Cannot go on: ${this.#strategy.name} let ${
            this.actors[actor] ?? "nobody"
          } go, which cannot move`,
        ),
      );
    }
    const action = this.#actions[actor]!;
    this.#account(enabled, actor);
    this.#actions[actor] = undefined;
    this.#states[actor] = RUNNING;
    this.#running = 1;
    this.#progress++;
    this.#stalledSince = undefined;
    this.#choices.push(actor);
    if (this.#events !== undefined) {
      const { operation, argument } = action;
      const event = { actor, operation, argument, enabled: [...enabled], result: undefined };
      this.#events.push(this.#latest[actor] = event);
    }
    action.go();
  }

  #judge(): void {
    let found: string | undefined | Promise<string | undefined>;
    try {
      found = this.#program.check();
    } catch (error) {
      return this.#end(violation(error));
    }
    if (!(found instanceof Promise)) return this.#end(verdict(found));
    this.#judging = true;
    found.then(verdict, violation).then((outcome) => {
      if (this.#active) this.#end(outcome);
    });
  }

  /** Somebody who has been passed over for too long. */
  #starving(enabled: readonly number[]): number | undefined {
    if (this.steps < MAX_PASSED_OVER) return undefined;
    const actor = enabled.find((each) => this.#passedOver[each] >= MAX_PASSED_OVER);
    if (actor !== undefined) {
      this.#intervention ??= `${
        this.actors[actor]
      } had been passed over ${MAX_PASSED_OVER} times, and was let go at step ${this.steps + 1}`;
    }
    return actor;
  }

  /** What nobody could move without. */
  #tellPatient(): string {
    const who = this.actors.find((_, actor) => this.#actions[actor]?.patient);
    return `after step ${this.steps} nobody could move until an operation of ${who} came to its end by itself (by a real timer, say)`;
  }

  /** Who keeps the others waiting, and since when. */
  #tellAstray(): string {
    const who = this.actors.filter((_, actor) => this.#states[actor] === RUNNING);
    const when = this.steps === 0 ? "before the first step" : `after step ${this.steps}`;
    return `${
      who.join(" and ")
    } waited, ${when}, for something that is no operation (another actor's promise, a real timer), and the others were let go meanwhile`;
  }

  #account(enabled: readonly number[], chosen: number): void {
    const previous = this.#choices.length === 0 ? chosen : this.#choices[this.#choices.length - 1];
    for (let index = 0; index < enabled.length; index++) {
      const actor = enabled[index];
      this.#passedOver[actor]++;
      if (actor === previous && actor !== chosen) this.#preemptions++;
    }
    this.#passedOver[chosen] = 0;
  }

  /** Nobody comes to an end. Those who have not moved for half the run are starved by the others. */
  #endless(): void {
    const recent = new Set(this.#choices.slice(this.#choices.length >> 1));
    const starved = this.actors.filter((_, actor) =>
      !recent.has(actor) && this.#states[actor] !== FINISHED && !this.#serves(actor)
    );
    this.#end({ kind: "endless", steps: this.#maxSteps, starved });
  }

  /** Whether an actor is there for the others only. */
  #serves(actor: number): boolean {
    return actor >= this.actors.length - (this.#program.daemons ?? 0);
  }

  #deadlock(): void {
    const waiting: Waiting[] = [];
    for (let actor = 0; actor < this.#states.length; actor++) {
      if (this.#states[actor] === FINISHED || this.#serves(actor)) continue;
      const operation = this.pending(actor);
      waiting.push({
        actor: this.actors[actor],
        operation: operation && describeOperation(operation),
      });
    }
    this.#end({ kind: "deadlock", waiting });
  }

  #end(outcome: Outcome): void {
    this.#active = false;
    this.#strategy.ended?.(this);
    if (this.#unfinished > 0) this.#program.abandon?.();
    this.#listener.ended(outcome);
  }
}
