/**
 * Crashes in a simulated run, as choices of the engine.
 *
 * An actor of the scenario asks for a crash when its turn comes; that is one choice among all others.
 * To have it come in the midst of what another actor does, whoever serves as `later` puts it off: once
 * for each step of input and output that is still carried out. Then the next to move is cut off after
 * so many steps. After a power loss `lost` and `kept` say, one after another, what became of each thing
 * that was not synced. So where a crash comes and what it leaves are steps like any other: they are
 * explored, made small, replayed, and stand in the timeline.
 *
 * While a crash is put off nobody else moves, and while it is said what is left nobody does: what
 * would come in between could as well come before or after.
 */
import type { Action, Operation, Run } from "../engine/mod.ts";
import type { DiskNames } from "./simulation/_disk.ts";
import type { TakenStep } from "./simulation/_step.ts";
import { type DiskImage, type DiskKeys, survive } from "./simulation/_survivors.ts";

/** Who serves where there are crashes, after time. */
export const CRASH_DAEMONS = ["later", "lost", "kept"] as const;

/** What a crash is to hit. */
export type Target = { readonly kill: number } | { readonly power: true };

/** What a crash does when it comes. */
export interface Strike {
  /** The actor at `place` is dead; its process has been killed. */
  killed(place: number): void;
  /** The power is gone, with everybody under way. */
  lost(): void;
  /** What survived is known. */
  left(names: DiskNames): void;
}

/** A question that is open about what survived. */
interface Question {
  readonly what: string;
  readonly of: string;
  readonly options: number;
}

/** See the top of the file. */
export class CrashPlan {
  /** How many steps of input and output are still to be carried out. */
  #steps = 0;
  /** What is to be hit as soon as they have been. */
  #armed: Target | undefined;
  #taken = 0;
  #moved = false;
  #image: DiskImage | undefined;
  #choices: number[] = [];
  #question: Question | undefined;
  /** The best that may still have survived. */
  #candidate = 0;
  #struck = false;
  readonly #strike: Strike;
  readonly #deepest: number;
  readonly #keys: DiskKeys;

  /**
   * @param deepest How often at most a crash is put off.
   */
  constructor(strike: Strike, deepest: number, keys: DiskKeys) {
    this.#strike = strike;
    this.#deepest = deepest;
    this.#keys = keys;
  }

  /** Whether there was a crash, and what it left is known. */
  get isOver(): boolean {
    return this.#struck && this.#image === undefined;
  }

  /** Whether it is being said what survived. */
  get isTelling(): boolean {
    return this.#image !== undefined;
  }

  /** Whether somebody is to be cut off in the midst of what comes next. */
  get isArmed(): boolean {
    return this.#armed !== undefined;
  }

  /** What the crash that is asked for would hit, if it has not come. */
  get target(): Target | undefined {
    return this.#armed;
  }

  /** Whether a crash is put off, so that whoever asked for it comes next. */
  get isPutOff(): boolean {
    return this.#steps > 0 && this.#armed === undefined;
  }

  get canBePutOff(): boolean {
    return this.#armed === undefined && this.#steps < this.#deepest;
  }

  putOff(): void {
    this.#steps++;
  }

  /**
   * A crash is asked for.
   *
   * @param inTheMidst Whether there is anybody to be cut off.
   * @returns Whether it comes at once.
   */
  ask(target: Target, inTheMidst: boolean): boolean {
    const atOnce = this.#steps === 0 || !inTheMidst;
    this.#steps = atOnce ? 0 : this.#steps;
    this.#armed = atOnce ? undefined : target;
    this.#taken = 0;
    this.#moved = false;
    return atOnce;
  }

  /** There is nobody to be hit. */
  cancel(): void {
    this.#steps = 0;
  }

  /** Somebody moves who may be cut off. */
  moves(): void {
    if (this.#armed !== undefined) this.#moved = true;
  }

  /** Whether who was to be cut off has come to the end of its step before. */
  get isDue(): boolean {
    return this.#armed !== undefined && this.#moved;
  }

  /**
   * A step of input and output is about to be carried out by somebody who may be cut off.
   *
   * @returns Whether the crash comes before it; a write is cut off within.
   */
  comesBefore(step: TakenStep): boolean {
    const left = this.#steps - this.#taken;
    if ("kill" in this.#armed! && step.blocks > 1 && left > 0 && left < step.blocks) {
      step.torn = left;
      this.#taken = this.#steps;
      return false;
    }
    if (left <= 0) return true;
    this.#taken += "kill" in this.#armed! ? Math.max(1, step.blocks) : 1;
    return false;
  }

  /** The crash comes. */
  come(): Target {
    const target = this.#armed!;
    this.#armed = undefined;
    this.#steps = 0;
    return target;
  }

  killed(place: number): void {
    this.#struck = true;
    this.#strike.killed(place);
  }

  powerLost(image: DiskImage): void {
    this.#struck = true;
    this.#image = image;
    this.#choices = [];
    this.#strike.lost();
    this.#ask();
  }

  /** What is open. */
  get question(): Question | undefined {
    return this.#question;
  }

  /** The answer to what is open: it survived, or not. */
  answer(kept: boolean): void {
    if (!kept) this.#candidate--;
    if (!kept && this.#candidate > 0) return;
    this.#choices.push(this.#candidate);
    this.#ask();
  }

  /** Goes through the choices made, and on to the first that was not. */
  #ask(): void {
    const open = new Error("open");
    let next = 0;
    this.#question = undefined;
    try {
      const { names } = survive(this.#image!, (options, what, of) => {
        if (next < this.#choices.length) return this.#choices[next++];
        this.#question = { what, of, options };
        this.#candidate = options - 1;
        throw open;
      }, this.#keys);
      this.#image = undefined;
      this.#strike.left(names);
    } catch (error) {
      if (error !== open) throw error;
    }
  }
}

/** What those who serve a run with crashes ask it. */
interface Requests {
  /** The name of what an actor asks for a crash by, if one does. */
  object(): string | undefined;
  /** Whether what an actor asks for could come in the midst of something. */
  isInTheMidst(): boolean;
}

/**
 * Starts those who serve a run with crashes.
 *
 * @param first The place of the first of them.
 */
export function startCrashDaemons(
  run: Run,
  first: number,
  plan: CrashPlan,
  requests: Requests,
): void {
  const step = (object: string, kind: string): Operation => ({
    object,
    kind,
    effect: "write",
    undeclared: true,
  });
  const putOff = () => step(requests.object() ?? "crash", "put off");
  const canBePutOff = () => plan.canBePutOff && requests.isInTheMidst();
  new CrashDaemon(run, first, putOff, canBePutOff, () => plan.putOff());
  const told = () => step(plan.question?.of ?? "disk", plan.question?.what ?? "nothing");
  const isTelling = () => plan.isTelling;
  new CrashDaemon(run, first + 1, told, isTelling, () => plan.answer(false));
  new CrashDaemon(run, first + 2, told, isTelling, () => plan.answer(true));
}

/** Somebody who serves a run with crashes. */
class CrashDaemon implements Action {
  readonly argument = undefined;
  readonly #place: number;
  readonly #run: Run;
  readonly #describe: () => Operation;
  readonly #ready: () => boolean;
  readonly #act: () => void;

  constructor(
    run: Run,
    place: number,
    describe: () => Operation,
    ready: () => boolean,
    act: () => void,
  ) {
    this.#run = run;
    this.#place = place;
    this.#describe = describe;
    this.#ready = ready;
    this.#act = act;
    run.park(place, this);
  }

  get operation(): Operation {
    return this.#describe();
  }

  ready(): boolean {
    return this.#ready();
  }

  go(): void {
    this.#act();
    this.#run.returned(this.#place, undefined);
    this.#run.park(this.#place, this);
  }
}
