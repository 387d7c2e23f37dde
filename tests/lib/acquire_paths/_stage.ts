/**
 * An acquire that may be given up at every step of its way: what it can come to, and what must hold
 * whatever it came to. The steps are in `_races.ts`.
 *
 * When all is over the stage is wound up: who is inside leaves, until nobody is left. What must hold:
 *
 * - nobody is beside another who excludes him, and nobody waits who could be inside;
 * - whoever was not refused has been inside, and whoever was refused is not: nobody is lost;
 * - the acquire is refused only for its reason, and not once it was granted; and an abort in time
 *   refuses it;
 * - no timer, no listener, no waiter and no holder is left.
 */
import { currentHost, type Host, withHost } from "../../../lib/_host.ts";
import { type LockMode, LockTimeoutError, UpdateLimitError } from "../../../mod.ts";
import { CountedSignal, CountingHost } from "./_counted.ts";

/** What may end the acquire. */
export interface Limits {
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Gives back what was acquired. */
export type Leave = () => void;

/** What is acquired, and what can be seen of it. */
export interface Scene {
  /** How the one before, the one that asks and the one that follows hold it. */
  readonly modes: Readonly<Record<"before" | "asks" | "follows", LockMode>>;
  /** Begins the acquire that may be given up. */
  ask(limits: Limits): Promise<Leave>;
  /** Begins one that gives nothing up. */
  follow(): Promise<Leave>;
  /** Lets go of what keeps both out. */
  free(): void;
  /** Whether the acquire has been granted for good, though it has perhaps not run on. */
  granted(): boolean;
  /** Whether it is too late for an abort to count for sure, though it is not granted yet. */
  late?(): boolean;
  /** What is wrong while nothing moves: that somebody waits who could be inside. */
  still?(): string | undefined | Promise<string | undefined>;
  /** What is wrong when all have left. */
  empty(): string | undefined | Promise<string | undefined>;
  /** Lets time pass where it is not the lab's; answers whether there was any to pass. */
  pass?(): boolean;
  /** The host of what is begun, where that is not the lab's. */
  readonly host?: Host;
}

/** How long the acquire waits. */
export const TIMEOUT = 10;

/** More turns of the microtask queue than anything takes that needs no time. */
const TURNS = 100;

/** Why it was aborted. */
const REASON = "given up";

/** One who wants to be inside. */
class Party {
  state: "absent" | "waiting" | "inside" | "refused" | "left" = "absent";
  reason: unknown;
  #leave: Leave = () => {};

  constructor(readonly name: "asks" | "follows", readonly mode: LockMode) {}

  begin(acquire: Promise<Leave>, entered: () => void): void {
    this.state = "waiting";
    acquire.then((leave) => {
      this.state = "inside";
      this.#leave = leave;
      entered();
    }, (reason) => {
      this.state = "refused";
      this.reason = reason;
    });
  }

  leave(): void {
    this.state = "left";
    this.#leave();
  }
}

/** What the actors share. */
export class Stage {
  readonly #scene: Scene;
  readonly #host: CountingHost;
  readonly #signal = new CountedSignal();
  readonly #asks: Party;
  readonly #follows: Party;
  readonly #faults: string[] = [];
  #freed = false;
  #granted = false;
  /** Whether the signal fired before the acquire was granted, for sure or perhaps. */
  #fired: "in time" | "late" | undefined;

  constructor(makeScene: () => Scene) {
    this.#host = new CountingHost(currentHost(), () => this.#look());
    this.#scene = withHost(this.#host, makeScene);
    const { modes } = this.#scene;
    this.#asks = new Party("asks", modes.asks);
    this.#follows = new Party("follows", modes.follows);
  }

  ask(): void {
    const { signal } = this.#signal.controller;
    const begun = this.#begin(() => this.#scene.ask({ timeout: TIMEOUT, signal }));
    this.#asks.begin(begun, () => this.#enter(this.#asks));
    if (signal.aborted) this.#fired = "in time";
    this.#look();
  }

  follow(): void {
    const begun = this.#begin(() => this.#scene.follow());
    this.#follows.begin(begun, () => this.#enter(this.#follows));
    this.#look();
  }

  free(): void {
    this.#freed = true;
    this.#scene.free();
    this.#look();
  }

  abort(): void {
    this.#look();
    this.#listen();
    if (this.#asks.state === "waiting" && !this.#granted) {
      this.#fired = this.#scene.late?.() ? "late" : "in time";
    }
    this.#signal.controller.abort(REASON);
    this.#look();
  }

  freeThenAbort(): void {
    this.free();
    this.abort();
  }

  abortThenFree(): void {
    this.abort();
    this.free();
  }

  /** Lets time pass where it is not the lab's. */
  pass(): void {
    this.#look();
    this.#scene.pass?.();
    this.#look();
  }

  idle(): void {}

  /** Winds up; answers what was wrong. */
  async wrong(): Promise<string | undefined> {
    await this.#windUp();
    this.#judge();
    const left = await this.#scene.empty();
    if (left !== undefined) this.#faults.push(left);
    const { timers } = this.#host;
    if (timers > 0) this.#faults.push(`${timers} timers are pending`);
    this.#listen();
    return this.#faults.length === 0 ? undefined : this.#faults.join("; ");
  }

  #begin(begin: () => Promise<Leave>): Promise<Leave> {
    return withHost(this.#scene.host ?? this.#host, begin);
  }

  async #windUp(): Promise<void> {
    await this.#quiesce();
    if (!this.#freed) this.free();
    const parties = [this.#asks, this.#follows];
    for (;;) {
      await this.#quiesce();
      const inside = parties.find(({ state }) => state === "inside");
      if (inside !== undefined) {
        inside.leave();
        this.#look();
      } else if (!parties.some(({ state }) => state === "waiting") || !this.#scene.pass?.()) return;
    }
  }

  /** Lets everything go on that can, and looks whether somebody waits who could be inside. */
  async #quiesce(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await undefined;
    const wrong = await this.#scene.still?.();
    if (wrong !== undefined && !this.#faults.includes(wrong)) this.#faults.push(wrong);
    this.#look();
  }

  #judge(): void {
    const faults = this.#faults;
    for (const { name, state } of [this.#asks, this.#follows]) {
      if (state === "waiting") faults.push(`the one who ${name} waits for ever`);
    }
    const { state, reason } = this.#asks;
    if (this.#follows.state === "refused") faults.push(`refused: ${this.#follows.reason}`);
    if (state === "refused") {
      const timedOut = reason instanceof LockTimeoutError || reason instanceof UpdateLimitError;
      if (!timedOut && reason !== REASON) faults.push(`refused for no reason: ${reason}`);
      if (reason === REASON && this.#fired === undefined) faults.push("aborted though granted");
      if (this.#granted) faults.push("a grant was lost");
    } else if (this.#fired === "in time") faults.push("an abort in time was not heeded");
  }

  #enter(party: Party): void {
    this.#look();
    const { modes } = this.#scene;
    const beside = [this.#asks, this.#follows]
      .filter((other) => other !== party && other.state === "inside").map(({ mode }) => mode);
    if (!this.#freed) beside.push(modes.before);
    if (beside.length > 0 && [party.mode, ...beside].includes("write")) {
      this.#faults.push(`the one who ${party.name} is inside beside another`);
    }
  }

  /** Who has been answered does not listen any more. */
  #listen(): void {
    const { listeners } = this.#signal;
    const { state } = this.#asks;
    if (state === "absent" || state === "waiting" || listeners === 0) return;
    this.#faults.push(`${listeners} listeners are left`);
  }

  /** What has been granted once may not be taken back. */
  #look(): void {
    if (this.#asks.state === "waiting" && this.#scene.granted()) this.#granted = true;
  }
}
