/**
 * The shared objects as one actor sees them: each call becomes one operation at the actor's port.
 *
 * The port decides when it is carried out: at once in a free run, when the engine says so in a
 * stepped one.
 */
import { delay } from "@std/async/delay";
import { checkCellValue } from "./_declaration.ts";
import { FileView } from "./_file_view.ts";
import { LockView } from "./_lock_view.ts";
import type { Medium, RawCell } from "./_medium.ts";
import { copyPlainData, plainOrNothing } from "./_plain_data.ts";
import type { Performable, Port } from "./_port.ts";
import { sleepOf, USES_TIME } from "./_time.ts";
import type { ObjectKind, Shared } from "./object_kind.ts";
import type {
  Barrier,
  Calls,
  Cell,
  CellOptions,
  Channel,
  Clock,
  Crashes,
  Lock,
  LockChoice,
  SharedFile,
  Signal,
  World,
} from "./world.ts";

/** The world as one actor sees it. Handles are kept, so building again each run costs little. */
export class View implements World {
  readonly #port: Port;
  readonly #medium: Medium;
  readonly #handles = new Map<string, unknown>();

  constructor(port: Port, medium: Medium) {
    this.#port = port;
    this.#medium = medium;
  }

  cell(name: string, _initial?: number, _options?: CellOptions): Cell {
    return this.#handle(name, () => new CellView(this.#port, name, this.#medium.cell(name)));
  }

  lock(name: string, choice?: LockChoice): Lock {
    const watched = choice?.detectDeadlocks ?? false;
    return this.#handle(name, () => new LockView(this.#port, name, watched, this.#medium));
  }

  channel<T>(name: string): Channel<T> {
    return this.#handle(name, () => new ChannelView<T>(this.#port, name, this.#medium));
  }

  barrier(name: string, _parties?: number): Barrier {
    return this.#handle(name, () => new BarrierView(this.#port, name, this.#medium));
  }

  signal(name: string): Signal {
    return this.#handle(name, () => new SignalView(this.#port, name, this.#medium));
  }

  clock(name: string): Clock {
    return this.#handle(name, () => new ClockView(this.#port, name, this.#medium));
  }

  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): Shared<T, K> {
    return this.#handle(name, () => objectView(this.#port, name, kind, this.#medium));
  }

  file(name: string, _initial?: string): SharedFile {
    return this.#handle(name, () => new FileView(this.#port, name, this.#medium));
  }

  crash(name: string): Crashes {
    return this.#handle(name, () => crashView(this.#port, name, this.#medium));
  }

  calls(): Calls {
    const { actor } = this.#port;
    const recorder = this.#medium.recorder();
    return {
      call: (name, input, perform, object) => recorder.call(actor, name, input, perform, object),
      invoke: (name, input, object) => recorder.invoke(actor, name, input, object),
    };
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

/** What is shown of an operation's arguments: those that are plain data. */
function shown(args: readonly unknown[]): unknown {
  const plain = args.map(plainOrNothing).filter((argument) => argument !== undefined);
  return plain.length > 1 ? plain : plain[0];
}

/** An object's operations, each going through the actor's port. */
function objectView<T extends object, K extends keyof T>(
  port: Port,
  name: string,
  kind: ObjectKind<T, K>,
  medium: Medium,
): Shared<T, K> {
  const view: Record<PropertyKey, (...args: unknown[]) => Promise<unknown>> = {};
  for (const [method, effect] of Object.entries<"read" | "write">(kind.operations)) {
    view[method] = (...args) => {
      const perform = () => {
        const object = medium.object(name, kind) as Record<string, (...args: unknown[]) => unknown>;
        return object[method](...args);
      };
      // Whether it waits for a time is the object's own business.
      const also = [USES_TIME];
      return port.operate({ object: name, kind: method, effect, also, perform }, shown(args));
    };
  }
  return view as Shared<T, K>;
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

class BarrierView implements Barrier {
  readonly #port: Port;
  readonly #name: string;
  readonly #medium: Medium;

  constructor(port: Port, name: string, medium: Medium) {
    this.#port = port;
    this.#name = name;
    this.#medium = medium;
  }

  async wait(): Promise<void> {
    const object = this.#name;
    const barrier = this.#medium.barrier?.(object);
    const round = await this.#port.operate({
      object,
      kind: "arrive at",
      effect: "write",
      perform: barrier && (() => barrier.arrive()),
    }, undefined) as number;
    const pass = () => this.#port.stepped ? undefined : barrier!.over(round);
    await this.#port.operate({
      object,
      kind: "pass",
      effect: "read",
      ready: barrier && (() => barrier.isOver(round)),
      perform: barrier && pass,
    }, round);
  }
}

class SignalView implements Signal {
  readonly name: string;
  readonly #port: Port;
  readonly #medium: Medium;

  constructor(port: Port, name: string, medium: Medium) {
    this.#port = port;
    this.name = name;
    this.#medium = medium;
  }

  get signal(): AbortSignal {
    return this.#medium.signal(this.name);
  }

  async fire(): Promise<void> {
    const object = this.name;
    const { fire } = this.#medium;
    await this.#port.operate({
      object,
      kind: "fire",
      effect: "write",
      // Whose waits it ends is for them to know.
      undeclared: true,
      perform: fire && (() => fire.call(this.#medium, object)),
    }, undefined);
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
      also: [USES_TIME],
      perform: clock && (() => clock.now()),
    }, undefined) as Promise<number>;
  }

  async sleep(ms: number): Promise<void> {
    if (typeof ms !== "number" || !(ms >= 0 && ms < 2 ** 31)) {
      throw new RangeError(`Cannot sleep ${ms} ms: from 0 to 2147483647 ms are possible`);
    }
    if (!this.#port.stepped) {
      this.#port.waits(ms);
      await delay(ms, { signal: this.#port.signal });
      return;
    }
    const { clock } = this.#medium;
    let awake = false;
    const object = this.#name;
    const own = sleepOf(this.#port.actor);
    await this.#port.operate({
      object,
      kind: "sleep",
      effect: "read",
      also: [USES_TIME],
      perform: clock && (() => void clock.setTimer(() => awake = true, ms, own)),
    }, ms);
    await this.#port.operate({
      object,
      kind: "wake",
      effect: "read",
      also: [{ object: own, effect: "enter" }],
      ready: clock && (() => awake),
      perform: clock && (() => {}),
    }, undefined);
  }
}

function crashView(port: Port, object: string, { crash }: Medium): Crashes {
  const step = async (
    operation: Omit<Performable, "object" | "effect"> & Partial<Performable>,
    argument?: unknown,
  ) => {
    await port.operate({ object, effect: "write", ...operation }, argument);
  };
  const over = {
    effect: "read",
    ready: crash && (() => crash.isOver()),
    perform: crash && (() => {}),
  } as const;
  return {
    kill: (actor) =>
      step({ kind: "kill", undeclared: true, perform: crash && (() => crash.kill(actor)) }, actor),
    losePower: async () => {
      await step({ kind: "cut", undeclared: true, perform: crash && (() => crash.losePower()) });
      // What it leaves is for others to say, and comes in between.
      if (port.stepped) await step({ kind: "restore", ...over });
    },
    after: () => step({ kind: "after", ...over }),
  };
}
