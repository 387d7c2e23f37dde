/**
 * One order of each kind: dynamic partial-order reduction with source sets and sleep sets.
 *
 * Two orders are of one kind (one Mazurkiewicz trace) when one becomes the other by swapping
 * neighbouring operations that do not conflict; they end alike, so one of them is enough. The search
 * runs an order, finds in it the pairs of conflicting operations that could have gone the other way
 * (races), and makes sure that for each an order is run in which they do. Sleep sets keep it from
 * running an order whose kind it has seen.
 *
 * For each race between an earlier event e and a later event of actor p, it looks at what came after
 * e without depending on it, followed by p's operation. The actors that can begin that sequence are
 * its *initials*; unless one of them is already to be tried in the state before e, one is added. Adding
 * p alone instead would lose traces together with sleep sets. (Abdulla, Aronis, Jonsson, Sagonas,
 * "Optimal dynamic partial order reduction", POPL 2014, algorithm 1; races and blocking as in
 * Flanagan and Godefroid, POPL 2005.)
 *
 * A lock's request and its grant are two operations on the lock. Requests are always possible, so
 * their order is a race like any other; a grant that had to wait was not possible before the release,
 * so that pair is ordered and is no race. An operation that may touch anything conflicts with all.
 *
 * The passing of time is an operation like any other, of an actor of its own. It is made possible by
 * whatever sets a timer, and each of several timers may be the one: so what had to wait for one event
 * may have been possible without it, where another that came later would have done as well.
 */
import { conflict, type Operation } from "./operation.ts";
import { type Evidence, Nondeterminism, PRUNE, type RunView, type Strategy } from "./strategy.ts";

/** A state on the path, and the event that leads out of it. */
interface Frame {
  /** Who could go, in ascending order. */
  readonly enabled: readonly number[];
  /** What each actor stood before, enabled or not. */
  readonly pending: readonly (Operation | undefined)[];
  /** Who is to be tried, including those who were. */
  readonly toTry: Set<number>;
  /** Who need not be tried: what they would do has been tried from here or before. */
  readonly asleep: Set<number>;
  actor: number;
  operation: Operation;
  /** How many events of each actor happen before this one, itself included. */
  clock: number[];
}

/** Runs one order of each kind, depth first. */
export class DporStrategy implements Strategy {
  readonly name = "dpor";
  readonly #frames: Frame[] = [];
  readonly #most: number[] = [];
  #depth = 0;
  #started = false;
  #exhausted = false;
  #pruned = false;
  #completed = 0;

  begin(): boolean {
    if (this.#depth < this.#frames.length) throw differs("the run was longer");
    this.#depth = 0;
    this.#pruned = false;
    if (!this.#started) return this.#started = true;
    while (this.#frames.length > 0) {
      const frame = this.#frames[this.#frames.length - 1];
      frame.asleep.add(frame.actor);
      for (const actor of frame.toTry) {
        if (frame.asleep.has(actor)) continue;
        frame.actor = actor;
        return true;
      }
      this.#frames.pop();
    }
    this.#exhausted = true;
    return false;
  }

  choose(enabled: readonly number[], run: RunView): number {
    const depth = this.#depth++;
    if (depth < this.#frames.length) {
      const frame = this.#frames[depth];
      if (!frame.enabled.every((actor, index) => actor === enabled[index])) {
        throw differs(`at step ${depth + 1} other actors could move`);
      }
      // Only the last frame has a new choice; what leads there is as it was.
      if (depth === this.#frames.length - 1) this.#enter(depth, run);
      return frame.actor;
    }
    const asleep = this.#stillAsleep(depth);
    const awake = enabled.filter((actor) => !asleep.has(actor));
    if (awake.length === 0) {
      this.#depth--;
      this.#pruned = true;
      return PRUNE;
    }
    // Going on with the same actor makes the orders that are run, and so the failures, easy to read.
    const previous = depth === 0 ? -1 : this.#frames[depth - 1].actor;
    const actor = awake.includes(previous) ? previous : awake[0];
    this.#frames.push({
      enabled: [...enabled],
      pending: run.actors.map((_, each) => run.pending(each)),
      toTry: new Set([actor]),
      asleep,
      actor,
      operation: run.pending(actor)!,
      clock: [],
    });
    this.#enter(depth, run);
    return actor;
  }

  ended(run: RunView): void {
    if (this.#pruned) return;
    this.#completed++;
    // An operation that never came about can have been kept from it by one that did.
    for (let actor = 0; actor < run.actors.length; actor++) {
      const operation = run.pending(actor);
      if (operation !== undefined) this.#follow(this.#depth, actor, operation);
    }
    const taken: number[] = run.actors.map(() => 0);
    for (const actor of run.choices) taken[actor]++;
    taken.forEach((steps, actor) => {
      this.#most[actor] = Math.max(this.#most[actor] ?? 0, steps);
    });
  }

  evidence(): Evidence {
    const orders = this.#completed;
    if (!this.#exhausted) return { kind: "partial", orders };
    const of = Math.max(orders, interleavings(this.#most));
    return { kind: "proved", orders, of: Math.min(of, Number.MAX_SAFE_INTEGER) };
  }

  /** Who was asleep before, minus those whose operation conflicts with what has been done since. */
  #stillAsleep(depth: number): Set<number> {
    const asleep = new Set<number>();
    if (depth === 0) return asleep;
    const { asleep: before, pending, operation } = this.#frames[depth - 1];
    for (const actor of before) {
      if (!conflict(pending[actor]!, operation)) asleep.add(actor);
    }
    return asleep;
  }

  /** The frame's actor is about to go: find its races, and what happens before it. */
  #enter(depth: number, run: RunView): void {
    const frame = this.#frames[depth];
    frame.operation = run.pending(frame.actor)!;
    const clock = this.#follow(depth, frame.actor, frame.operation);
    clock[frame.actor] = (clock[frame.actor] ?? 0) + 1;
    frame.clock = clock;
  }

  /** Finds the races of an operation that comes at `depth`; answers what happens before it. */
  #follow(depth: number, actor: number, operation: Operation): number[] {
    const clock: number[] = [];
    // What happens before it other than by having made it possible. An operation that was possible
    // once, then impossible, then possible again still races with what made it impossible.
    const ordered: number[] = [];
    for (let earlier = depth - 1; earlier >= 0; earlier--) {
      const frame = this.#frames[earlier];
      if (covers(ordered, frame)) continue;
      if (frame.actor === actor) {
        join(clock, frame.clock);
        join(ordered, frame.clock);
      } else if (conflict(frame.operation, operation)) {
        const reversible = this.#race(earlier, depth, actor, operation, ordered);
        join(clock, frame.clock);
        if (reversible) join(ordered, frame.clock);
      }
    }
    return clock;
  }

  /**
   * The event at `earlier` and the operation of `actor` at `depth` could go the other way round.
   *
   * @param before What happens before the operation, of the events after `earlier`.
   * @returns Whether they can: an operation that had to wait for the event cannot go before it.
   */
  #race(
    earlier: number,
    depth: number,
    actor: number,
    operation: Operation,
    before: readonly number[],
  ): boolean {
    const frame = this.#frames[earlier];
    // What followed the earlier event without depending on it: that much can go before it.
    const sequence: Frame[] = [];
    for (let index = earlier + 1; index < depth; index++) {
      const next = this.#frames[index];
      if (!covers(next.clock, frame)) sequence.push(next);
    }
    const acted = sequence.some((next) => next.actor === actor);
    const waited = !acted && !frame.enabled.includes(actor);
    // It had to wait for the event, unless something else that came after made it possible as well.
    if (waited && !sequence.some((next) => conflict(next.operation, operation))) return false;
    const initials = sequence.filter((next, index) =>
      !sequence.slice(0, index).some((prior) => covers(next.clock, prior))
    ).map((next) => next.actor);
    if (!waited && !sequence.some((prior) => prior.actor === actor || covers(before, prior))) {
      initials.unshift(actor);
    }
    if (initials.some((each) => frame.toTry.has(each))) return !waited;
    const possible = initials.find((each) => frame.enabled.includes(each));
    if (possible !== undefined) frame.toTry.add(possible);
    else for (const each of frame.enabled) frame.toTry.add(each);
    return !waited;
  }
}

/** Whether an event is among those a clock covers. */
function covers(clock: readonly number[], event: Frame): boolean {
  return event.clock[event.actor] <= (clock[event.actor] ?? 0);
}

/** Makes `clock` cover all that `other` covers. */
function join(clock: number[], other: readonly number[]): void {
  for (let actor = 0; actor < other.length; actor++) {
    if ((other[actor] ?? 0) > (clock[actor] ?? 0)) clock[actor] = other[actor];
  }
}

/** In how many orders actors with so many steps each can be interleaved. */
function interleavings(steps: readonly number[]): number {
  let orders = 1;
  let total = 0;
  for (const count of steps) {
    for (let i = 1; i <= count; i++) orders = orders * ++total / i;
  }
  return Math.round(orders);
}

function differs(how: string): Error {
  return new Nondeterminism(`Cannot reduce orders: ${how} before`);
}
