/**
 * The near side of a free run whose actors are elsewhere.
 *
 * The actors build themselves, wait for the common start and then run at full speed. What is left to
 * do here is to carry out what goes through whoever steers a run, to kill whom an actor wants killed,
 * and to notice the end: all have finished, one threw, or nobody has done anything for a while.
 */
import type { Outcome } from "../engine/mod.ts";
import { CallBook } from "./_call_book.ts";
import type { FreeRun } from "./distance.ts";
import { judge } from "./_near_program.ts";
import { type FromActor, fromPlainError, sharedNow, type ToActor } from "./_protocol.ts";
import { nextRun, type Remote, sendParts, type Storage } from "./_remote.ts";
import type { Subject } from "./scenario.ts";
import { Switchboard } from "./_switchboard.ts";

/** How long a free run may take before it is taken for stuck, in ms. */
const LIMIT = 120_000;

/** How long before a common start it is announced, in ms. */
const HEAD_START = 3;

/** One free run. */
export class RemoteFreeRun {
  readonly #subject: Subject;
  readonly #remotes: readonly Remote[];
  readonly #storage: Storage;
  readonly #board: Switchboard;
  readonly #book: CallBook;
  readonly #number = nextRun();
  readonly #prepared = new Set<number>();
  readonly #finished = new Set<number>();
  readonly #killed = new Set<number>();
  /** Those who have done nothing since anybody was last heard of otherwise. */
  readonly #idle = new Set<number>();
  /** Lets those go on who wait for a crash. */
  readonly #afterwards = new Set<() => void>();
  #started = Infinity;
  /** Ends the run; without an outcome it is judged by what is left. */
  #conclude!: (outcome?: Outcome) => void;

  /** @param storage The shared objects; removed when the run has ended. */
  constructor(subject: Subject, remotes: readonly Remote[], storage: Storage) {
    this.#subject = subject;
    this.#remotes = remotes;
    this.#storage = storage;
    this.#board = new Switchboard(subject);
    this.#book = new CallBook(undefined, storage.skew);
  }

  /**
   * Carries it through; to be called once.
   *
   * @throws {WorldError} when one of the actors' workers or processes dies.
   */
  async run(): Promise<FreeRun> {
    let limit: ReturnType<typeof setTimeout> | undefined;
    try {
      const outcome = await new Promise<Outcome | undefined>((resolve, reject) => {
        this.#conclude = resolve;
        limit = setTimeout(() => {
          // Whoever has come to no end by now may be deaf.
          for (const remote of this.#remotes) remote.close();
          this.#stand();
        }, LIMIT);
        this.#remotes.forEach((remote, place) => {
          remote.onDeath = (error) => {
            if (!this.#killed.has(place)) reject(error);
          };
          remote.onMessage = (message) => this.#receive(place, message);
        });
        sendParts(this.#number, this.#subject, this.#remotes, this.#storage, false);
      });
      // Without an outcome all have come to their end; where all were killed, nobody told of a start.
      const measured = outcome === undefined && this.#started < Infinity;
      const elapsed = measured ? sharedNow() - this.#started : NaN;
      if (outcome !== undefined) this.#tellAll({ type: "abandon", run: this.#number });
      const left = {
        end: () => this.#storage.end(),
        shared: () => this.#storage.shared(),
        calls: () => this.#book.history(),
      };
      return { outcome: outcome ?? await judge(this.#subject, left), elapsed };
    } finally {
      clearTimeout(limit);
      this.#storage.dispose();
    }
  }

  #receive(place: number, message: FromActor): void {
    if (message.run !== this.#number) return;
    if (message.type !== "idle") this.#idle.clear();
    switch (message.type) {
      case "idle": {
        const unfinished = this.#remotes.length - this.#finished.size;
        if (this.#idle.add(place).size === unfinished) this.#stand();
        break;
      }
      case "prepared":
        if (this.#prepared.add(place).size < this.#remotes.length) break;
        this.#tellAll({ type: "start", run: this.#number, at: sharedNow() + HEAD_START });
        break;
      case "parked":
        this.#serve(place, message);
        break;
      case "calls":
        this.#book.note(place, message.calls);
        if (this.#subject.mortal) this.#remotes[place].send({ type: "noted", run: this.#number });
        break;
      case "finished":
        this.#started = Math.min(this.#started, message.started);
        this.#over(place);
        break;
      case "threw":
        this.#threw(place, fromPlainError(message.error));
        break;
    }
  }

  #tellAll(message: ToActor): void {
    for (const remote of this.#remotes) remote.send(message);
  }

  /** Nobody moves any more. */
  #stand(): void {
    const stuck = this.#subject.actors.filter((_, place) => !this.#finished.has(place));
    this.#conclude({ kind: "deadlock", waiting: stuck.map((actor) => ({ actor })) });
  }

  #threw(place: number, error: unknown): void {
    this.#conclude({ kind: "threw", actor: this.#subject.actors[place], error });
  }

  /** An actor has come to its end, by itself or not. */
  #over(place: number): void {
    this.#finished.add(place);
    this.#endCrashes();
    if (this.#finished.size === this.#remotes.length) this.#conclude();
  }

  /** Lets those go on who wait for a crash, if there was one or none can come. */
  #endCrashes(): void {
    const unfinished = this.#remotes.length - this.#finished.size;
    if (this.#killed.size === 0 && this.#afterwards.size < unfinished) return;
    for (const go of this.#afterwards) go();
    this.#afterwards.clear();
  }

  /** Carries out for an actor what goes through whoever steers the run. */
  async #serve(place: number, message: Extract<FromActor, { type: "parked" }>): Promise<void> {
    try {
      const value = await this.#carryOut(message);
      this.#remotes[place].send({ type: "go", run: this.#number, value });
    } catch (error) {
      this.#threw(place, error);
    }
    this.#idle.clear();
  }

  async #carryOut(
    { object, kind, argument }: Extract<FromActor, { type: "parked" }>,
  ): Promise<unknown> {
    const { mailboxes, barriers, crashes } = this.#board;
    const mailbox = mailboxes.get(object);
    if (mailbox !== undefined) {
      return kind === "receive" ? await mailbox.receive() : mailbox.send(argument);
    }
    const barrier = barriers.get(object);
    if (barrier !== undefined) {
      return kind === "pass" ? await barrier.over(argument as number) : barrier.arrive();
    }
    if (!crashes.has(object)) {
      return this.#tellAll({ type: "fire", run: this.#number, signal: object });
    }
    if (kind === "kill") return await this.#kill(argument as string);
    if (kind === "after") return await this.#crashEnded();
    throw new TypeError("Cannot cut the power: that is possible in the simulation only");
  }

  async #kill(actor: string): Promise<void> {
    const victim = this.#subject.actors.indexOf(actor);
    if (victim < 0 || this.#finished.has(victim)) return;
    this.#killed.add(victim);
    await this.#remotes[victim].close();
    this.#over(victim);
  }

  #crashEnded(): Promise<void> {
    return new Promise((resolve) => {
      this.#afterwards.add(resolve);
      this.#endCrashes();
    });
  }
}
