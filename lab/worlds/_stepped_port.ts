/**
 * An actor's port in a stepped run whose actors are in this isolate.
 *
 * What an operation performs is most often done at once. If it is asynchronous, it goes on by itself
 * for as long as it does not need anybody else, which a macrotask shows: then it has either come to
 * its end, and the actor goes on in the same step; or it has called back, and the actor stands before
 * an operation of its own inside; or it waits for others, and the actor stands before its return.
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import {
  type Action,
  describeOperation,
  macrotask,
  type Operation,
  type Run,
} from "../engine/mod.ts";
import { type Performable, type Port, returnFrom } from "./_port.ts";

let resolveLast: (value: unknown) => void;
let rejectLast: (error: unknown) => void;

/** Hands a promise's two ends out without a closure for each promise. */
function capture(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  resolveLast = resolve;
  rejectLast = reject;
}

/** An asynchronous operation that has been begun. */
interface Pending {
  readonly operation: Performable;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** How it ended, once it has. */
  end: { readonly value: unknown } | { readonly error: unknown } | undefined;
  /** Whether the actor has done something else since. */
  interrupted: boolean;
}

/** Tells what operations touch where that depends on more than themselves. */
export interface Footprint {
  /** What an operation touches at the moment. */
  now(operation: Operation): Operation;
}

/** Who looks on as an actor moves, and has a say in it. */
export interface Overseer {
  /** Whether the actor may move now, if it can. */
  mayGo(place: number, operation: Operation): boolean;
  /** The actor is let go. */
  goes(place: number, operation: Operation, argument: unknown): void;
  /** An operation has been carried out. */
  did(place: number, operation: Operation, value: unknown): void;
  /** What the actor waits to enter has been granted or refused. */
  arrived(place: number, operation: Operation): void;
  /** Whether the actor is dead, so that what it gets to hear does not matter any more. */
  isDead(place: number): boolean;
}

/** What else a port may know of. */
interface Surroundings {
  /** Says on whose behalf code runs, where operations have operations inside. */
  readonly context?: AsyncLocalStorage<Port>;
  readonly overseer?: Overseer;
}

/** An operation done while others are under way: what they are done on goes on after it. */
function within(pending: readonly Pending[], operation: Performable): Performable {
  const also = [operation, ...pending.map((outer) => outer.operation)].flatMap((each) => [
    ...each === operation ? [] : [{ object: each.object, effect: each.effect }],
    ...each.also ?? [],
  ]);
  return { ...operation, also };
}

/** See the top of the file. It is itself the action the actor stands before. */
export class SteppedPort implements Port, Action {
  readonly stepped = true;
  readonly actor: string;
  readonly #place: number;
  readonly #footprint: Footprint;
  readonly #undeclared: boolean;
  readonly #context: AsyncLocalStorage<Port> | undefined;
  readonly #overseer: Overseer | undefined;
  /** Asynchronous operations that have been begun, the innermost last. */
  readonly #pending: Pending[] = [];
  #run: Run | undefined;
  #operation!: Performable;
  #argument: unknown;
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #standing = false;
  /** Whether what it stands before is a return. */
  #returning = false;
  /** Whether an operation is being carried out at the moment, and may call back. */
  #performing = false;

  /**
   * @param footprint What an operation touches at the moment.
   * @param undeclared Whether actors share more than what they declare.
   */
  constructor(
    actor: string,
    place: number,
    footprint: Footprint,
    undeclared: boolean,
    { context, overseer }: Surroundings = {},
  ) {
    this.#overseer = overseer;
    this.actor = actor;
    this.#place = place;
    this.#footprint = footprint;
    this.#undeclared = undeclared;
    this.#context = context;
  }

  get operation(): Operation {
    return this.#footprint.now(this.#operation);
  }

  get argument(): unknown {
    return this.#argument;
  }

  get patient(): boolean {
    return this.#returning && this.#operation.foreign === true;
  }

  /** Whether the actor stands before an operation. */
  get standing(): boolean {
    return this.#standing;
  }

  /** Whether the actor has begun something that has not come to its end. */
  get pending(): boolean {
    return this.#pending.length > 0;
  }

  attach(run: Run): void {
    this.#run = run;
    this.#standing = false;
  }

  /** The actor is not to be heard of again: what it asks for never happens. */
  close(): void {
    this.#run = undefined;
  }

  operate(operation: Performable, argument: unknown): Promise<unknown> {
    if (this.#standing && !this.#returning) {
      const error = new TypeError(
        `Cannot ${operation.kind} ${operation.object}: ${this.actor} has not finished its ${this.#operation.kind} ${this.#operation.object}; an actor does one operation at a time`,
      );
      // It is told as the actor's failure, whether or not anybody waits for what is refused.
      this.failed(error);
      const refused = Promise.reject(error);
      refused.catch(() => {});
      return refused;
    }
    this.#returning = false;
    const promise = new Promise(capture);
    this.#resolve = resolveLast;
    this.#reject = rejectLast;
    this.#stand(operation, argument);
    return promise;
  }

  ready(): boolean {
    const overseer = this.#overseer;
    return this.isPossible() &&
      (overseer === undefined || overseer.mayGo(this.#place, this.#operation));
  }

  /** Whether what the actor stands before can be carried out. */
  isPossible(): boolean {
    const { ready } = this.#operation;
    return ready === undefined || ready();
  }

  go(): void {
    this.#standing = false;
    // Most runs have neither, and are to be short.
    const overseer = this.#overseer;
    const pending = this.#pending.length > 0;
    if (overseer !== undefined) overseer.goes(this.#place, this.#operation, this.#argument);
    if (pending) {
      if (this.#returning) return this.#return();
      for (const outer of this.#pending) outer.interrupted = true;
    }
    const resolve = this.#resolve;
    const reject = this.#reject;
    const operation = this.#operation;
    this.#performing = true;
    try {
      const value = this.#perform();
      if (value instanceof Promise) this.#begin(operation, value, resolve, reject);
      else if (overseer?.isDead(this.#place)) return;
      else {
        overseer?.did(this.#place, operation, value);
        this.#run!.returned(this.#place, value);
        resolve(value);
      }
    } catch (error) {
      if (overseer?.isDead(this.#place)) return;
      reject(error);
    } finally {
      this.#performing = false;
    }
    if (this.#standing) this.#park();
    if (this.#pending.length > 0) this.#lookLater();
  }

  readied(): void {
    this.#overseer?.arrived(this.#place, this.#operation);
  }

  waits(): void {}

  readonly finished = (): void => {
    const left = this.#pending.at(-1)?.operation;
    if (left === undefined) return this.#run?.finish(this.#place);
    const what = describeOperation(left);
    this.failed(new TypeError(`Cannot end: ${what} has not been awaited`));
  };
  readonly failed = (error: unknown): void => this.#run?.threw(this.#place, error);

  /** Whoever lets this actor go is another, on whose behalf nothing may be done. */
  #perform(): unknown {
    const perform = this.#operation.perform!;
    return this.#context === undefined
      ? perform(this.#argument)
      : this.#context.run(this, perform, this.#argument);
  }

  #stand(operation: Performable, argument: unknown): void {
    this.#operation = operation;
    this.#argument = argument;
    this.#standing = true;
    // What calls back at once, within the operation it belongs to, waits until that has begun.
    if (!this.#performing) this.#park();
  }

  #park(): void {
    if (this.#pending.length > 0) this.#operation = within(this.#pending, this.#operation);
    if (this.#undeclared) this.#operation = { ...this.#operation, undeclared: true };
    this.#run?.park(this.#place, this);
  }

  #begin(
    operation: Performable,
    promise: Promise<unknown>,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const pending: Pending = { operation, resolve, reject, end: undefined, interrupted: false };
    this.#pending.push(pending);
    promise.then((value) => pending.end = { value }, (error) => pending.end = { error });
  }

  /** Once everything that can has gone on: what has become of what was begun? */
  #lookLater(): void {
    const run = this.#run;
    if (run === undefined || this.#pending.length === 0) return;
    macrotask().then(() => {
      const innermost = this.#pending.at(-1);
      if (this.#run !== run || this.#standing || innermost === undefined) return;
      if (innermost.end !== undefined) return this.#end(innermost);
      this.#returning = true;
      this.#stand(
        { ...returnFrom(innermost.operation), ready: () => innermost.end !== undefined },
        undefined,
      );
    });
  }

  #return(): void {
    this.#returning = false;
    this.#end(this.#pending.at(-1)!);
  }

  /** Lets the actor go on with how its innermost operation ended. */
  #end(pending: Pending): void {
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    const end = pending.end!;
    if ("error" in end) pending.reject(end.error);
    else {
      if (!pending.interrupted) this.#run!.returned(this.#place, end.value);
      pending.resolve(end.value);
    }
    this.#lookLater();
  }
}
