/**
 * An acquire that may be given up at every step of its way, as a race for the lab.
 *
 * Four actors share a stage, and each of their steps is one: `asks` begins the acquire that has a
 * timeout and a signal, `follows` one that has neither, `frees` lets go of what keeps both out, and
 * `aborts` fires the signal. The lab runs them in every order, with the timeout passing at every
 * moment at which it could. A step is one turn of the microtask queue, in which whatever was resolved
 * in the step before goes on by one `await`; so that more turns may lie between two things, an actor
 * may idle for some steps, and two things can be done in one step with none between them.
 *
 * When all is over the stage is wound up: who is inside leaves, until nobody is left. What must hold:
 *
 * - nobody is beside another who excludes him, and nobody waits who could be inside;
 * - whoever was not refused has been inside, and whoever was refused is not: nobody is lost;
 * - the acquire is refused only for its reason, and not once it was granted; and an abort in time
 *   refuses it;
 * - no timer, no listener, no waiter and no holder is left.
 */
import assert from "node:assert/strict";
import { expectSafe, explore, type Race, type World } from "../../../lab/mod.ts";
import { currentHost, type Host, withHost } from "../../../lib/_host.ts";
import {
  type LockMode,
  type LockPolicy,
  LockTimeoutError,
  UpdateLimitError,
} from "../../../mod.ts";
import type { RaceLock } from "./_twins.ts";

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

/** A host that counts its timers, and tells before one fires. */
class CountingHost implements Host {
  timers = 0;
  readonly now: Host["now"];
  readonly random: Host["random"];
  readonly #host: Host;
  readonly #before: () => void;

  constructor(host: Host, before: () => void) {
    this.#host = host;
    this.#before = before;
    this.now = () => host.now();
    this.random = () => host.random();
  }

  get timeOrigin(): number {
    return this.#host.timeOrigin;
  }

  get files(): Host["files"] {
    return this.#host.files;
  }

  setTimer(callback: () => void, ms: number): object {
    this.timers++;
    const timer = {
      set: true,
      of: this.#host.setTimer(() => {
        timer.set = false;
        this.timers--;
        this.#before();
        callback();
      }, ms),
    };
    return timer;
  }

  clearTimer(timer: unknown): void {
    const mine = timer as { set: boolean; of: unknown };
    if (mine === undefined || !mine.set) return;
    mine.set = false;
    this.timers--;
    this.#host.clearTimer(mine.of);
  }
}

/** A controller that counts the listeners of its signal. */
class CountedSignal {
  listeners = 0;
  readonly controller = new AbortController();

  constructor() {
    const { signal } = this.controller;
    const { addEventListener, removeEventListener } = signal;
    const seen = new Set<unknown>();
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      seen.add(args[1]);
      this.listeners = seen.size;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      seen.delete(args[1]);
      this.listeners = seen.size;
      removeEventListener.apply(signal, args);
    };
  }
}

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

/** What differs between races over one scene. */
interface Course {
  /** Who fires the signal when. */
  readonly fires: "apart" | "after freeing" | "before freeing" | "while kept out";
  /** How many steps one who has begun, freed or aborted idles. */
  readonly idles: Readonly<Record<"asks" | "frees" | "aborts", number>>;
}

const OPERATIONS = {
  ask: "write",
  follow: "write",
  free: "write",
  abort: "write",
  freeThenAbort: "write",
  abortThenFree: "write",
  pass: "write",
  idle: "write",
} as const;

function raceOf(name: string, makeScene: () => Scene, course: Course, passes: number): Race {
  return {
    name,
    build: (world: World) => {
      const stage = world.object("stage", {
        operations: OPERATIONS,
        tasks: () => new Stage(makeScene),
      });
      const actor = (
        name: string,
        step: "ask" | "follow" | "free" | "abort" | "freeThenAbort" | "abortThenFree",
        idles = 0,
      ) => ({
        name,
        run: async () => {
          await stage[step]();
          for (let i = 0; i < idles; i++) await stage.idle();
        },
      });
      const { asks, frees, aborts } = course.idles;
      const actors = [actor("asks", "ask", asks), actor("follows", "follow")];
      if (course.fires === "after freeing") actors.push(actor("frees", "freeThenAbort", frees));
      else if (course.fires === "before freeing") {
        actors.push(actor("frees", "abortThenFree", frees));
      } else {
        if (course.fires === "apart") actors.push(actor("frees", "free", frees));
        actors.push(actor("aborts", "abort", aborts));
      }
      if (passes > 0) {
        actors.push({
          name: "clock",
          run: async () => {
            for (let i = 0; i < passes; i++) await stage.pass();
          },
        });
      }
      return actors;
    },
    check: (_, { stage }) => (stage as Stage).wrong(),
  };
}

/** How far a scene's acquire has to go. */
export interface Way {
  /**
   * How many turns of the microtask queue lie at most between a grant and the acquire's answer.
   *
   * @default 1
   */
  readonly turns?: number;
  /**
   * How often time passes that is not the lab's.
   *
   * @default 0
   */
  readonly passes?: number;
}

/** All races over a scene. */
export function racesOf(
  name: string,
  makeScene: () => Scene,
  { turns = 1, passes = 0 }: Way = {},
): Race[] {
  const none = { asks: 0, frees: 0, aborts: 0 };
  const courses: Course[] = [
    { fires: "apart", idles: { ...none, asks: turns } },
    { fires: "apart", idles: { ...none, frees: turns } },
    { fires: "apart", idles: { ...none, aborts: turns } },
    { fires: "after freeing", idles: none },
    { fires: "before freeing", idles: none },
    { fires: "while kept out", idles: none },
  ];
  return courses.map((course) => raceOf(name, makeScene, course, passes));
}

/** Runs every order of every race over a scene, in which nothing may go wrong. */
export async function expectAllSafe(races: readonly Race[]): Promise<number> {
  let orders = 0;
  for (const race of races) {
    const { evidence } = await expectSafe(race, { strategy: "exhaustive", budget: 200_000 });
    assert.equal(evidence.kind, "proved", race.name);
    if (evidence.kind === "proved") orders += evidence.orders;
  }
  return orders;
}

/** Looks for an order that goes wrong, which there must be. */
export async function expectBroken(races: readonly Race[], how: RegExp): Promise<void> {
  const found: string[] = [];
  for (const race of races) {
    const { failure } = await explore(race, { strategy: "exhaustive", budget: 200_000 });
    if (failure === undefined) continue;
    if (how.test(failure.message)) return;
    found.push(failure.message);
  }
  assert.fail(`none goes wrong as ${how} says, but: ${found.join("; ") || "none at all"}`);
}

/** That somebody waits for a lock who could be inside. */
export function stranded(
  lock: Pick<RaceLock, "query">,
  policy: LockPolicy = "fair",
): string | undefined {
  const { holders, waiters } = lock.query();
  const next = policy === "read-preferring"
    ? waiters.find(({ mode }) => mode === "read") ?? waiters[0]
    : waiters[0];
  if (next === undefined) return undefined;
  const open = holders.length === 0 ||
    next.mode === "read" && holders.every(({ mode }) => mode === "read");
  return open ? `the one who ${next.label} is left out of a lock that is open` : undefined;
}

/** That somebody is left in a lock or before it. */
export function occupied(lock: Pick<RaceLock, "query" | "tryWrite">): string | undefined {
  const { holders, waiters } = lock.query();
  if (holders.length > 0) return `the one who ${holders[0].label} still holds a lock`;
  if (waiters.length > 0) return `the one who ${waiters[0].label} still waits for a lock`;
  const guard = lock.tryWrite();
  guard?.release();
  return guard === undefined ? "a lock is not free" : undefined;
}
