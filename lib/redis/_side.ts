/**
 * One lock of one server, as this process takes part in it.
 *
 * What always holds: a guard is trusted only until `lease` milliseconds, less an allowance for clocks
 * that differ in speed, after the moment at which the last question was *sent* that the server has
 * answered; the server counts from when it got it, which was later. So `lose` comes before the
 * server lets anybody else in, as long as this process runs at all, and at once when the connection breaks,
 * for the server may have lost its memory with it.
 *
 * Everyone here is renewed together, three times a lease. The same question asks how those stand
 * who wait, so a grant whose message was lost is heard of then; and since the server tells when the
 * first lease of all would pass, whoever waits asks right after that, and a holder that has died is noticed
 * without anybody polling.
 */
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import type { Host } from "../_host.ts";
import { Meter } from "../_meter.ts";
import { tell } from "../_observers.ts";
import { LockTimeoutError } from "../errors.ts";
import type { AcquireOptions, Contention, LockMode, LockParty } from "../lock.ts";
import { Absentees } from "./_absentees.ts";
import { Alarm } from "./_alarm.ts";
import type { Connection, Dependent } from "./_connection.ts";
import { LeaseLostError, RedisUnavailableError } from "./_errors.ts";
import { Party } from "./_party.ts";
import { keysOf, readParty } from "./_script.ts";
import { explain, isFinal, isRefusal, mayPass, type Reply, type Session } from "./_session.ts";

/** How often a lease is renewed while it lasts. */
const RENEWALS = 3;

/** What is taken off a lease for clocks that run at different speeds, as Redlock does. */
function trustedFor(lease: number): number {
  return lease - lease / 100 - 2;
}

/** The first of some moments; `Infinity` of none. Of more than `Math.min` takes at once, too. */
function earliest(moments: readonly number[]): number {
  return moments.reduce((first, moment) => Math.min(first, moment), Infinity);
}

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
  readonly deadlines: Deadlines;
  readonly meter: Meter | undefined;
  /** Who was inside when that was last heard of. */
  holders: readonly LockParty[] | undefined;
  readonly #keys: readonly string[];
  readonly #parties = new Set<Party>();
  /** Those who left while there was no way to tell. */
  readonly #absent: Absentees;
  #renewing: { readonly session: Session; readonly sent: number } | undefined;
  /** When everyone is renewed next. */
  readonly #round: Alarm;
  /** When the first lease could no longer be trusted. */
  readonly #watch: Alarm;

  constructor(
    readonly connection: Connection,
    readonly name: string,
    readonly options: SideOptions,
  ) {
    this.host = connection.host;
    this.deadlines = deadlinesOf(this.host);
    this.meter = options.stats ? new Meter(this.host) : undefined;
    this.#keys = keysOf(name);
    this.#absent = new Absentees(this.host, options.lease);
    this.#round = new Alarm(this.host, (due) => this.#tick(due));
    this.#watch = new Alarm(this.host, () => this.#watchLeases());
  }

  /** Whom to tell of long waits, if anybody. */
  get observed(): boolean {
    return this.options.onContention !== undefined;
  }

  /** Why nobody is let in though nobody may be inside; `undefined` when that is not so. */
  get #unsettled(): string | undefined {
    const { session } = this.connection;
    if (session === undefined || this.#untilSettled(session) <= 0) return undefined;
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
    if (this.connection.closed) this.session(`${mode}-lock ${this.name}`);
    const party = this.#add(new Party(this, mode, options));
    this.#ask(party);
    return party.promise;
  }

  /** Takes the lock if it is free now, else answers `undefined`. */
  async attempt(mode: LockMode, options: AcquireOptions): Promise<Party | undefined> {
    const session = this.session(`${mode}-lock ${this.name}`);
    if (this.#untilSettled(session) > 0) return undefined;
    const party = this.#add(new Party(this, mode, options));
    party.promise.catch(() => {}); // it is told here how it ended
    const sent = this.host.now();
    try {
      const [token, ...around] = await this.#soon(this.#enter(session, party, false));
      if (token === "") this.#heard(around);
      else if (party.pending) {
        party.acknowledged = sent;
        this.granted(party, String(token));
      }
    } catch (error) {
      if (party.pending) party.fail(error);
      throw new RedisUnavailableError(
        `${mode}-lock ${this.name}`,
        this.connection.server,
        explain(error),
        error,
      );
    }
    if (party.state === "held") return party;
    // The server has noted nobody it refused. One it let in too late to be trusted, it has.
    if (party.state === "asking") party.refused();
    else if (party.pending) party.fail(undefined);
    return undefined;
  }

  /** The session, to ask for something that nobody waits for. */
  session(action: string): Session {
    const { session, server, closed } = this.connection;
    if (closed || session === undefined) {
      const state = closed ? "was closed" : "is lost at the moment";
      throw new RedisUnavailableError(action, server, `the connection to ${server} ${state}`);
    }
    return session;
  }

  /** The error of one that may wait no longer. */
  timedOut(mode: LockMode, waited: number): LockTimeoutError {
    if (this.meter !== undefined) this.meter.timedOut++;
    const { name: lock, holders } = this;
    return new LockTimeoutError({ lock, mode, waited, holders, because: this.#unsettled });
  }

  /** An acquire ended by its signal. */
  countAborted(): void {
    if (this.meter !== undefined) this.meter.aborted++;
  }

  /** What the server says of the lock. */
  query(): Promise<Reply> {
    const action = `query ${this.name}`;
    const { server } = this.connection;
    return this.#soon(this.session(action).call(this.#keys, "query")).catch((error) => {
      throw new RedisUnavailableError(action, server, explain(error), error);
    });
  }

  /** The server has let a party in. */
  granted(party: Party, token: string): void {
    // One that comes too late to be trusted may have been given to another meanwhile.
    if (this.host.now() >= party.acknowledged + trustedFor(this.options.lease)) {
      party.state = "waiting";
      this.#schedule(0);
      return;
    }
    party.enter(BigInt(token));
    this.#schedule(this.options.lease / RENEWALS);
    this.#watch.setBy(party.acknowledged + trustedFor(this.options.lease));
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
    return Math.max(0, party.acknowledged + trustedFor(this.options.lease) - this.host.now());
  }

  /** A party goes out. Resolves when the server knows, or cannot be told. */
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

  /** Forgets a party here and on the server. */
  async drop(party: Party): Promise<void> {
    this.#parties.delete(party);
    const { session } = this.connection;
    try {
      if (session === undefined) this.#absent.add(party.id);
      else await this.#soon(session.call(this.#keys, "leave", [party.id]));
    } catch {
      // Its lease ends without us; if there is a connection before that, it need not wait for it.
      this.#absent.add(party.id);
    } finally {
      this.#rest();
    }
  }

  sessionLost(reason: string): void {
    this.#renewing = undefined;
    for (const party of this.#all("held")) this.#lose(party, `the connection was lost (${reason})`);
    for (const party of this.#all("waiting")) party.state = "asking";
  }

  sessionOpened(session: Session): void {
    const ids = this.#absent.takeAll();
    // What fails here fails with the session, and then the leases end by themselves.
    if (ids.length > 0) session.call(this.#keys, "leave", ids).catch(() => {});
    for (const party of this.#all("asking")) this.#ask(party);
    this.#rest();
  }

  sessionMissed(error: RedisUnavailableError): void {
    for (const party of [...this.#parties]) if (party.pending) party.fail(error);
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

  /** An answer that nobody waits for without end: a server may be there and say nothing. */
  async #soon(answer: Promise<Reply>): Promise<Reply> {
    const { connectTimeout } = this.connection;
    const { promise, reject } = Promise.withResolvers<never>();
    const expire = () => reject(new Error(`the server did not answer within ${connectTimeout} ms`));
    const deadline = this.deadlines.add(connectTimeout, { expire });
    try {
      return await Promise.race([answer, promise]);
    } finally {
      this.deadlines.remove(deadline);
    }
  }

  #enter(session: Session, party: Party, waits: boolean): Promise<Reply> {
    const { id, mode, party: { label = "" } } = party;
    const kind = mode === "write" ? "w" : "r";
    party.asked = session;
    const { lease } = this.options;
    return session.call(this.#keys, "enter", [id, kind, lease, waits ? 1 : 0, label]);
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
      if (party.state !== "asking") return;
      party.acknowledged = sent;
      if (token !== "") return this.granted(party, String(token));
      party.state = "waiting";
      this.#waits(party);
      this.#heard(around);
    }, (error) => {
      // Whatever the connection breaks by, the next one asks again; and so does the next round,
      // if the server was only busy.
      if (!isRefusal(error)) session.close(explain(error));
      party.asked = undefined;
      if (!party.pending || !isFinal(error)) return;
      party.fail(
        new RedisUnavailableError(
          `${party.mode}-lock ${this.name}`,
          this.connection.server,
          explain(error),
          error,
        ),
      );
    });
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
    const unanswered = this.#renewing?.sent ??
      earliest(
        this.#all("asking").filter((party) => party.asked === session)
          .map((party) => party.acknowledged),
      );
    // Whoever was stopped himself has not yet read what came meanwhile.
    if (now - unanswered > lease && !stopped) {
      session.close(`the server did not answer within ${lease} ms`);
      return;
    }
    for (const party of this.#all("asking")) if (party.asked !== session) this.#ask(party);
    if (this.#renewing === undefined) this.#renew(session, now);
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
      parties.forEach((party, i) => this.#renewed(party, String(reply[i]), sent));
      this.#heard(reply.slice(parties.length));
      this.#watchLeases();
    }, (error) => {
      if (this.#renewing === renewing) this.#renewing = undefined;
      // What passes by itself is asked again in the next round, and until then nobody can come in.
      if (mayPass(error)) return;
      for (const party of parties) this.#lose(party, `it was not renewed (${explain(error)})`);
    });
  }

  #renewed(party: Party, answer: string, sent: number): void {
    if (answer === "-") {
      if (party.state === "held") this.#lose(party, "the server no longer knows its lease");
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

  /** Takes the trust from those whose lease was not renewed in time. */
  #watchLeases(): void {
    this.#watch.clear();
    const held = this.#all("held").filter(({ lost }) => lost === undefined);
    for (const party of held) {
      if (this.trusted(party) === 0) this.#lose(party, "its lease was not renewed in time");
    }
    const trusted = held.filter(({ lost }) => lost === undefined);
    const due = earliest(trusted.map(({ acknowledged }) => acknowledged));
    this.#watch.setBy(due + trustedFor(this.options.lease));
  }

  #lose(party: Party, reason: string): void {
    if (party.state !== "held" || party.lost !== undefined) return;
    party.lost = new LeaseLostError(this.name, party.token, reason);
    party.controller?.abort(party.lost);
  }

  /** Nothing is left running for nobody. */
  #rest(): void {
    if (this.#parties.size > 0) return;
    this.#round.clear();
    this.#watch.clear();
    if (this.#absent.size === 0) this.connection.dependents.delete(this);
  }
}
