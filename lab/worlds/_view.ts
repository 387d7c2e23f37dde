/**
 * The shared objects as one actor sees them: each call becomes one operation at the actor's port.
 *
 * The port decides when it is carried out: at once in a free run, when the engine says so in a
 * stepped one. Acquiring a lock is two operations, the request, which joins the lock's own queue, and
 * the grant, which can only be chosen once the lock has granted. So a real lock is explored with its
 * own code and its own fairness.
 */
import { delay } from "@std/async/delay";
import type { Operation } from "../engine/mod.ts";
import type { Guard, LockMode, ReadWriteLock } from "../../lib/lock.ts";
import { checkCellValue } from "./_declaration.ts";
import type { Medium, RawCell } from "./_medium.ts";
import { copyPlainData } from "./_plain_data.ts";
import type { Cell, Channel, Clock, Held, Lock, LockWait, World } from "./world.ts";

/** An operation together with how it is carried out. */
export interface Performable extends Operation {
  /** Carries it out here; left out when whoever lets the actor go carries it out. */
  readonly perform?: (argument: unknown) => unknown;
  /** Whether it can be carried out now; left out when it always can. */
  readonly ready?: () => boolean;
}

/** Where an actor's operations go. */
export interface Port {
  /** Whether somebody decides about each operation. */
  readonly stepped: boolean;
  /** The actor's name. */
  readonly actor: string;
  /** Aborted when the run is abandoned; gives up waits and guards with it. */
  readonly signal?: AbortSignal;
  /** Carries an operation out when its time has come. */
  operate(operation: Performable, argument: unknown): Promise<unknown>;
  /** What the actor stands before may have become ready. */
  readied(): void;
}

/** The world as one actor sees it. Handles are kept, so building again each run costs little. */
export class View implements World {
  readonly #port: Port;
  readonly #medium: Medium;
  readonly #handles = new Map<string, unknown>();

  constructor(port: Port, medium: Medium) {
    this.#port = port;
    this.#medium = medium;
  }

  cell(name: string): Cell {
    return this.#handle(name, () => new CellView(this.#port, name, this.#medium.cell(name)));
  }

  lock(name: string): Lock {
    return this.#handle(name, () => new LockView(this.#port, name, () => this.#medium.lock(name)));
  }

  channel<T>(name: string): Channel<T> {
    return this.#handle(name, () => new ChannelView<T>(this.#port, name, this.#medium));
  }

  clock(name: string): Clock {
    return this.#handle(name, () => new ClockView(this.#port, name, this.#medium));
  }

  shared<T extends object>(name: string, make: (world: World) => T): T {
    if (this.#medium.shared === undefined) throw onlyBetweenTasks(`share ${name}`);
    return this.#medium.shared(name, make as (world: World) => object) as T;
  }

  operation<A extends unknown[], R>(
    object: string,
    kind: "read" | "write",
    perform: (...args: A) => R,
  ): (...args: A) => Promise<R> {
    if (this.#medium.shared === undefined) throw onlyBetweenTasks(`${kind} ${object}`);
    const operation: Performable = {
      object,
      kind,
      effect: kind,
      perform: (args) => perform(...(args as A)),
    };
    return (...args) => this.#port.operate(operation, args) as Promise<R>;
  }

  #handle<T>(name: string, make: () => T): T {
    let handle = this.#handles.get(name) as T | undefined;
    if (handle === undefined) this.#handles.set(name, handle = make());
    return handle;
  }
}

function onlyBetweenTasks(what: string): TypeError {
  return new TypeError(`Cannot ${what}: objects of your own exist between tasks only`);
}

class CellView implements Cell {
  readonly #port: Port;
  readonly #name: string;
  readonly #read: Performable;
  readonly #write: Performable;
  readonly #compareAndSet: Performable;

  constructor(port: Port, name: string, cell: RawCell) {
    this.#port = port;
    this.#name = name;
    this.#read = { object: name, kind: "read", effect: "read", perform: () => cell.read() };
    this.#write = {
      object: name,
      kind: "write",
      effect: "write",
      perform: (value) => cell.write(value as number),
    };
    this.#compareAndSet = {
      object: name,
      kind: "compare-and-set",
      effect: "write",
      perform: (pair) => cell.compareAndSet(...(pair as [number, number])),
    };
  }

  read(): Promise<number> {
    return this.#port.operate(this.#read, undefined) as Promise<number>;
  }

  write(value: number): Promise<void> {
    try {
      checkCellValue(this.#name, value);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#port.operate(this.#write, value) as Promise<void>;
  }

  compareAndSet(expected: number, next: number): Promise<boolean> {
    try {
      checkCellValue(this.#name, expected);
      checkCellValue(this.#name, next);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#port.operate(this.#compareAndSet, [expected, next]) as Promise<boolean>;
  }
}

/** What entering a lock answers when the wait has ended without the lock. */
export const REFUSED = "refused";

class LockView implements Lock {
  readonly #port: Port;
  readonly #name: string;
  readonly #lock: () => ReadWriteLock;

  constructor(port: Port, name: string, lock: () => ReadWriteLock) {
    this.#port = port;
    this.#name = name;
    this.#lock = lock;
  }

  read(wait?: LockWait): Promise<Held> {
    return this.#acquire("read", wait);
  }

  write(wait?: LockWait): Promise<Held> {
    return this.#acquire("write", wait);
  }

  withRead<R>(fn: () => Promise<R>, wait?: LockWait): Promise<R> {
    return this.#around("read", fn, wait);
  }

  withWrite<R>(fn: () => Promise<R>, wait?: LockWait): Promise<R> {
    return this.#around("write", fn, wait);
  }

  async #around<R>(mode: LockMode, fn: () => Promise<R>, wait?: LockWait): Promise<R> {
    const held = await this.#acquire(mode, wait);
    try {
      return await fn();
    } finally {
      await held.release();
    }
  }

  async #acquire(mode: LockMode, wait?: LockWait): Promise<Held> {
    const port = this.#port;
    const lock = this.#lock();
    const owner = {};
    const options = { ...wait, owner, label: port.actor, signal: port.signal };
    const ask = () => mode === "read" ? lock.read(options) : lock.write(options);
    if (!port.stepped) return this.#held(await ask(), mode);
    let granted: Promise<Guard> | undefined;
    let told: "granted" | "refused" | undefined;
    await port.operate({
      object: this.#name,
      kind: `request ${mode}`,
      effect: "acquire",
      perform: () => {
        granted = ask();
        const tell = (how: "granted" | "refused") => () => {
          told = how;
          port.readied();
        };
        granted.then(tell("granted"), tell("refused"));
      },
    }, undefined);
    await port.operate({
      object: this.#name,
      kind: `enter ${mode}`,
      effect: "enter",
      // The lock itself says whether it has granted, at once and not a few microtasks later.
      ready: () =>
        told !== undefined || lock.query().holders.some((holder) => holder.owner === owner),
      perform: () => told === "refused" ? REFUSED : undefined,
    }, undefined);
    return this.#held(await granted!, mode);
  }

  #held(guard: Guard, mode: LockMode): Held {
    const signal = this.#port.signal;
    const giveUp = () => guard.release();
    signal?.addEventListener("abort", giveUp, { once: true });
    const leave = (): undefined => {
      signal?.removeEventListener("abort", giveUp);
      guard.release();
    };
    const operation: Performable = {
      object: this.#name,
      kind: `leave ${mode}`,
      effect: "release",
      perform: leave,
    };
    return {
      release: async () => {
        if (!guard.released) await this.#port.operate(operation, undefined);
      },
    };
  }
}

class ChannelView<T> implements Channel<T> {
  readonly #port: Port;
  readonly #name: string;
  readonly #send: Performable;
  readonly #receive: Performable;

  constructor(port: Port, name: string, medium: Medium) {
    const channel = medium.channel?.(name);
    this.#port = port;
    this.#name = name;
    this.#send = {
      object: name,
      kind: "send",
      effect: "write",
      perform: channel && ((value) => channel.send(value)),
    };
    this.#receive = {
      object: name,
      kind: "receive",
      effect: "write",
      ready: channel && (() => channel.size > 0),
      perform: channel && (() => channel.receive()),
    };
  }

  async send(value: T): Promise<void> {
    await this.#port.operate(this.#send, copyPlainData(value, this.#name));
  }

  receive(): Promise<T> {
    return this.#port.operate(this.#receive, undefined) as Promise<T>;
  }
}

class ClockView implements Clock {
  readonly #port: Port;
  readonly #name: string;
  readonly #medium: Medium;

  constructor(port: Port, name: string, medium: Medium) {
    this.#port = port;
    this.#name = name;
    this.#medium = medium;
  }

  now(): Promise<number> {
    const { clock } = this.#medium;
    return this.#port.operate({
      object: this.#name,
      kind: "now",
      effect: "read",
      perform: clock && (() => clock.now()),
    }, undefined) as Promise<number>;
  }

  async sleep(ms: number): Promise<void> {
    if (typeof ms !== "number" || !(ms >= 0 && ms < 2 ** 31)) {
      throw new RangeError(`Cannot sleep ${ms} ms: from 0 to 2147483647 ms are possible`);
    }
    if (!this.#port.stepped) {
      await delay(ms, { signal: this.#port.signal });
      return;
    }
    const { clock } = this.#medium;
    let awake = false;
    const object = this.#name;
    await this.#port.operate({
      object,
      kind: "sleep",
      effect: "read",
      perform: clock && (() => void clock.setTimer(() => awake = true, ms)),
    }, ms);
    await this.#port.operate({
      object,
      kind: "wake",
      effect: "read",
      ready: clock && (() => awake),
      perform: clock && (() => {}),
    }, undefined);
  }
}

/** A port for free runs: everything is carried out at once. */
export class FreePort implements Port {
  readonly stepped = false;
  readonly actor: string;
  readonly signal?: AbortSignal;

  constructor(actor: string, signal?: AbortSignal) {
    this.actor = actor;
    this.signal = signal;
  }

  operate(operation: Performable, argument: unknown): Promise<unknown> {
    try {
      return Promise.resolve(operation.perform!(argument));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  readied(): void {}
}
