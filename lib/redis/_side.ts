/**
 * One lock of one server, as this process takes part in it.
 *
 * What always holds: everyone here is renewed together, three times a lease. The same question asks how
 * those stand who wait, so a grant whose message was lost is heard of then; and since the server tells
 * when the first lease of all would pass, whoever waits asks right after that, and a holder that has
 * died is noticed without anybody polling. What the server refuses for the moment is asked again after
 * pauses that grow. For how long guards are believed says `_trust.ts`; a connection that breaks ends that
 * at once, for the server may have lost its memory with it.
 */
import { Asker } from "../_retry.ts";
import type { Host } from "../_host.ts";
import { Meter } from "../_meter.ts";
import { tell } from "../_observers.ts";
import { LockTimeoutError } from "../errors.ts";
import type { AcquireOptions, Contention, LockMode, LockParty } from "../lock.ts";
import { Absentees } from "./_absentees.ts";
import { Alarm, earliest } from "./_alarm.ts";
import type { Connection, Dependent } from "./_connection.ts";
import type { RedisUnavailableError } from "./_errors.ts";
import { Party } from "./_party.ts";
import { keysOf, LABEL_TOLD, readParty } from "./_script.ts";
import {
  explain,
  isFinal,
  isRefusal,
  mayPass,
  type Reply,
  RETRY,
  type Session,
  unanswered,
} from "./_session.ts";
import { Trust } from "./_trust.ts";

/** How often a lease is renewed while it lasts. */
const RENEWALS = 3;

/** The same as the lock's options, checked and complete. */
export interface SideOptions {
  readonly lease: number;
  readonly restartGrace: number;
  readonly contentionAfter: number;
  readonly onContention: ((event: Contention) => void) | undefined;
  readonly stats: boolean;
}

/** See the top of the file. */
export class Side implements Dependent {
  readonly host: Host;
  readonly meter: Meter | undefined;
  /** Who was inside when that was last heard of. */
  holders: readonly LockParty[] | undefined;
  readonly #keys: readonly string[];
  readonly #parties = new Set<Party>();
  /** Those who have left. */
  readonly #absent: Absentees;
  readonly #trust: Trust;
  #renewing: { readonly session: Session; readonly sent: number } | undefined;
  /** When everyone is renewed next. */
  readonly #round: Alarm;
  /** Asks again what was refused for the moment. */
  readonly #asker: Asker;
  /** What was answered then, until there is another answer. */
  #refusal: string | undefined;

  constructor(
    readonly connection: Connection,
    readonly name: string,
    readonly options: SideOptions,
  ) {
    this.host = connection.host;
    this.meter = options.stats ? new Meter(this.host) : undefined;
    this.#keys = keysOf(name);
    this.#absent = new Absentees(connection, this.#keys, options.lease);
    this.#trust = new Trust(this.host, options.lease, () => this.#all("held"));
    this.#round = new Alarm(this.host, (due) => this.#tick(due));
    this.#asker = new Asker(this.host, () => this.#askAll());
  }

  /** Whom to tell of long waits, if anybody. */
  get observed(): boolean {
    return this.options.onContention !== undefined;
  }

  /** What keeps anybody from being let in, where that is not who is inside. */
  get #obstacle(): string | undefined {
    const { session } = this.connection;
    if (session === undefined) return "the connection is lost at the moment";
    if (this.#refusal !== undefined) return `the server refuses for the moment: ${this.#refusal}`;
    if (this.#untilSettled(session) <= 0) return undefined;
    return `the server was started less than ${this.options.restartGrace} ms ago and may have ` +
      "forgotten who was inside (restartGrace)";
  }

  /** How many of this process are inside. */
  get inside(): number {
    return this.#all("held").length;
  }

  /** Those of this process who wait. */
  get pending(): LockParty[] {
    return [...this.#parties].filter((party) => party.waiting).map(({ party }) => party);
  }

  /** Waits for the lock. */
  acquire(mode: LockMode, options: AcquireOptions): Promise<Party> {
    if (this.connection.closed) this.connection.sessionFor(`${mode}-lock ${this.name}`);
    const party = this.#add(new Party(this, mode, options));
    this.#ask(party);
    return party.promise;
  }

  /** Takes the lock if it is free now, else answers `undefined`. */
  async attempt(mode: LockMode, options: AcquireOptions): Promise<Party | undefined> {
    const { connection } = this;
    const action = `${mode}-lock ${this.name}`;
    const session = connection.sessionFor(action);
    if (this.#untilSettled(session) > 0) return undefined;
    const party = this.#add(new Party(this, mode, options));
    party.promise.catch(() => {}); // it is told here how it ended
    const sent = this.host.now();
    try {
      const answer = connection.soon(this.#enter(session, party, false));
      const [token, ...around] = await Promise.race([answer, party.promise.then(() => answer)]);
      if (token === "") this.#heard(around);
      else if (party.pending) {
        party.acknowledged = sent;
        this.granted(party, String(token));
      }
    } catch (error) {
      if (!party.pending) throw error; // that it was aborted, or the connection closed
      party.fail(error);
      throw connection.unavailable(action, error);
    }
    if (party.state === "held") return party;
    // The server has noted nobody it refused. One it let in too late to be trusted, it has.
    if (party.state === "asking") party.refused();
    else if (party.pending) party.fail(undefined);
    return undefined;
  }

  /** The error of one that may wait no longer. */
  timedOut(mode: LockMode, waited: number): LockTimeoutError {
    if (this.meter !== undefined) this.meter.timedOut++;
    const { name: lock, holders } = this;
    return new LockTimeoutError({ lock, mode, waited, holders, because: this.#obstacle });
  }

  /** An acquire ended by its signal. */
  countAborted(): void {
    if (this.meter !== undefined) this.meter.aborted++;
  }

  /** What the server says of the lock. */
  async query(): Promise<Reply> {
    const { connection } = this;
    const action = `query ${this.name}`;
    const session = connection.sessionFor(action);
    try {
      return await connection.soon(session.call(this.#keys, "query"));
    } catch (error) {
      throw connection.unavailable(action, error);
    }
  }

  /** The server has let a party in. */
  granted(party: Party, token: string): void {
    // One that comes too late to be trusted may have been given to another meanwhile.
    if (this.#trust.remaining(party) === 0) {
      party.state = "waiting";
      this.#schedule(0);
      return;
    }
    party.enter(BigInt(token));
    this.#schedule(this.options.lease / RENEWALS);
    this.#trust.watch(party);
  }

  /** A party has waited for long. */
  contended(party: Party, waited: number): void {
    const { onContention } = this.options;
    const { mode } = party;
    if (onContention !== undefined) {
      tell(onContention, { waited, mode, holders: this.holders ?? [] });
    }
  }

  /** For how long a party may still be trusted, in milliseconds. */
  trusted(party: Party): number {
    if (party.lost !== undefined || party.state !== "held") return 0;
    return this.#trust.remaining(party);
  }

  /** A party goes out. Resolves as `drop`. */
  async release(party: Party): Promise<void> {
    party.state = "gone";
    this.meter?.left(party);
    await this.drop(party);
  }

  /** Forgets a party here, of which the server knows nothing. */
  forget(party: Party): void {
    this.#parties.delete(party);
    this.#rest();
  }

  /**
   * Forgets a party here and on the server. Resolves when the server has, or cannot be told, or has not
   * answered in time.
   */
  drop(party: Party): Promise<void> {
    this.#parties.delete(party);
    const told = this.#absent.leave(party.id).finally(() => this.#rest());
    return this.connection.farewell(told);
  }

  sessionLost(reason: string): void {
    this.#renewing = undefined;
    this.#asker.stop();
    this.#absent.hush();
    for (const party of this.#all("held")) party.lose(`the connection was lost (${reason})`);
    for (const party of this.#all("waiting")) party.state = "asking";
  }

  sessionOpened(): void {
    void this.#absent.tellAgain().then(() => this.#rest());
    for (const party of this.#all("asking")) this.#ask(party);
  }

  sessionMissed(error: RedisUnavailableError): void {
    for (const party of [...this.#parties]) if (party.pending) party.fail(error);
  }

  closing(error: RedisUnavailableError): void {
    for (const party of this.#all("held")) party.lose("the connection was closed");
    this.sessionMissed(error);
  }

  #all(state: Party["state"]): Party[] {
    return [...this.#parties].filter((party) => party.state === state);
  }

  #add(party: Party): Party {
    this.connection.dependents.add(this);
    this.#parties.add(party);
    return party;
  }

  /** How long until a server that may have forgotten who was inside can be believed, in ms. */
  #untilSettled(session: Session): number {
    return session.serverStarted + this.options.restartGrace - this.host.now();
  }

  #enter(session: Session, party: Party, waits: boolean): Promise<Reply> {
    const { id, mode, party: { label = "" } } = party;
    const kind = mode === "write" ? "w" : "r";
    party.asked = session;
    const { lease } = this.options;
    const args = [id, kind, lease, waits ? 1 : 0, label.slice(0, LABEL_TOLD)];
    return session.call(this.#keys, "enter", args, () => party.pending);
  }

  #ask(party: Party): void {
    const { session } = this.connection;
    const early = session === undefined ? 0 : this.#untilSettled(session);
    if (session === undefined || early > 0) this.#waits(party);
    if (session === undefined) return; // asked when there is one
    if (early > 0) return this.#schedule(early);
    const sent = party.acknowledged = this.host.now();
    this.#schedule(this.options.lease / RENEWALS);
    this.#enter(session, party, true).then(([token, ...around]) => {
      this.#refusal = undefined;
      if (party.state !== "asking") return;
      party.acknowledged = sent;
      if (token !== "") return this.granted(party, String(token));
      party.state = "waiting";
      this.#waits(party);
      this.#heard(around);
    }, (error) => {
      // Whatever the connection breaks by, the next one asks again.
      if (!isRefusal(error)) session.close(explain(error));
      party.asked = undefined;
      if (!party.pending) return;
      if (isFinal(error)) return this.#refuse(party, error);
      this.#waits(party);
      this.#askLater(error);
    });
  }

  /** The server will not let a party in, whatever it waits for. */
  #refuse(party: Party, error: unknown): void {
    party.fail(this.connection.unavailable(`${party.mode}-lock ${this.name}`, error));
  }

  /** A party has to wait, for whatever; it may have waited before. */
  #waits(party: Party): void {
    if (!party.waiting) this.meter?.waits(party);
  }

  /** How long it is until the first lease passes, and who is inside. */
  #heard([ms, ...holders]: Reply): void {
    this.holders = holders.length === 0
      ? undefined
      : holders.map((holder) => readParty(String(holder))).map(({ mode, label }) => ({
        mode,
        ...(label === undefined ? {} : { label }),
      }));
    if (this.#parties.values().some(({ state }) => state === "waiting")) {
      this.#schedule(Number(ms) + 1);
    }
  }

  /** Sees to it that everyone is renewed in `ms` milliseconds at the latest. */
  #schedule(ms: number): void {
    this.#round.setBy(this.host.now() + ms);
  }

  #tick(due: number): void {
    const { lease } = this.options;
    const now = this.host.now();
    const stopped = now - due > lease / RENEWALS;
    const { session } = this.connection;
    if (session === undefined || this.#parties.size === 0) return;
    this.#schedule(lease / RENEWALS);
    const oldest = this.#renewing?.sent ??
      earliest(
        this.#all("asking").filter((party) => party.asked === session)
          .map((party) => party.acknowledged),
      );
    // Whoever was stopped himself has not yet read what came meanwhile.
    if (now - oldest > lease && !stopped) return session.close(unanswered(lease));
    this.#askAll();
  }

  /** Asks for each who is not asked for yet, and renews the others. */
  #askAll(): void {
    const { session } = this.connection;
    if (session === undefined) return;
    for (const party of this.#all("asking")) if (party.asked !== session) this.#ask(party);
    if (this.#renewing === undefined) this.#renew(session, this.host.now());
  }

  /** Asks again what was refused for the moment. Until it is answered nobody can come in. */
  #askLater(error: unknown): void {
    this.#refusal = explain(error);
    if (!this.#asker.asks) this.#asker.askLater(RETRY, true);
  }

  #renew(session: Session, sent: number): void {
    const parties = [...this.#parties].filter(({ state, lost }) =>
      state === "waiting" || state === "held" && lost === undefined
    );
    if (parties.length === 0) return;
    const renewing = this.#renewing = { session, sent };
    const ids = parties.map(({ id }) => id);
    session.call(this.#keys, "renew", [this.options.lease, ...ids]).then((reply) => {
      if (this.#renewing === renewing) this.#renewing = undefined;
      this.#asker.stop();
      this.#refusal = undefined;
      parties.forEach((party, i) => this.#renewed(party, String(reply[i]), sent));
      this.#heard(reply.slice(parties.length));
      this.#trust.review();
    }, (error) => {
      if (this.#renewing === renewing) this.#renewing = undefined;
      if (mayPass(error)) return this.#askLater(error);
      for (const party of parties) {
        party.lose(`it was not renewed (${explain(error)})`);
        if (party.pending && isRefusal(error)) this.#refuse(party, error);
      }
    });
  }

  #renewed(party: Party, answer: string, sent: number): void {
    if (answer === "-") {
      party.lose("the server no longer knows its lease");
      // It stood still for so long that it lost its place, and begins again.
      if (party.state === "waiting") {
        party.state = "asking";
        this.#ask(party);
      }
      return;
    }
    party.acknowledged = sent;
    if (answer !== "" && party.pending) this.granted(party, answer);
  }

  /** Nothing is left running for nobody. */
  #rest(): void {
    if (this.#parties.size > 0) return;
    this.#round.clear();
    this.#asker.stop();
    this.#refusal = undefined;
    this.#trust.rest();
    if (this.#absent.none) this.connection.dependents.delete(this);
  }
}
