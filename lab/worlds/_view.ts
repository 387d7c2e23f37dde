/**
 * The shared objects as one actor sees them: each call becomes one operation at the actor's port.
 *
 * The port decides when it is carried out: at once in a free run, when the engine says so in a
 * stepped one.
 */
import { CellView } from "./_cell_view.ts";
import { ClockView } from "./_clock_view.ts";
import { crashView } from "./_crash_view.ts";
import { FileView } from "./_file_view.ts";
import { LockView } from "./_lock_view.ts";
import type { Medium } from "./_medium.ts";
import { BarrierView, ChannelView, SignalView } from "./_meeting_views.ts";
import { plainOrNothing } from "./_plain_data.ts";
import type { Performable, Port } from "./_port.ts";
import { USES_TIME } from "./_time.ts";
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
      foreign: true,
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
    const takes = kind.takes?.[method as K];
    view[method] = (...args) => {
      if (takes !== undefined) port.waits(takes);
      const perform = () => {
        const object = medium.object(name, kind) as Record<string, (...args: unknown[]) => unknown>;
        return object[method](...args);
      };
      // Whether it waits for a time is the object's own business.
      const also = [USES_TIME];
      return port.operate(
        { object: name, kind: method, effect, also, takes, perform },
        shown(args),
      );
    };
  }
  return view as Shared<T, K>;
}
