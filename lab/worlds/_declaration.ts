/** The first look at a scenario: what it declares, without running it. */
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

/** One shared object as it was declared. */
export type Declared =
  | {
    readonly kind: "cell";
    readonly name: string;
    readonly initial: number;
    readonly atomic: boolean;
  }
  | { readonly kind: "lock"; readonly name: string } & LockChoice
  | { readonly kind: "channel"; readonly name: string }
  | { readonly kind: "barrier"; readonly name: string; readonly parties: number }
  | { readonly kind: "signal"; readonly name: string }
  | { readonly kind: "clock"; readonly name: string }
  | { readonly kind: "file"; readonly name: string; readonly initial?: string }
  | { readonly kind: "crash"; readonly name: string }
  | { readonly kind: "object"; readonly name: string; readonly operations: readonly string[] }
  | { readonly kind: "shared"; readonly name: string }
  | { readonly kind: "operation"; readonly name: string };

const OBJECT_NAME = /^[A-Za-z][A-Za-z0-9 _-]{0,39}$/;

/** Collects what `build` declares. Its objects cannot be used. */
export class Declaration implements World {
  readonly #objects = new Map<string, Declared>();
  readonly #kinds = new Map<string, ObjectKind<object, never>>();

  /** What has been declared, in order. */
  get objects(): readonly Declared[] {
    return [...this.#objects.values()];
  }

  /** The kinds of the objects that have one, by name. */
  get kinds(): ReadonlyMap<string, ObjectKind<object, never>> {
    return this.#kinds;
  }

  cell(name: string, initial: number, options: CellOptions = {}): Cell {
    checkCellValue(name, initial);
    this.#declare({ kind: "cell", name, initial, atomic: options.atomic ?? false });
    return unusable(name);
  }

  lock(name: string, choice: LockChoice = {}): Lock {
    this.#declare({ kind: "lock", name, ...choice });
    return unusable(name);
  }

  channel<T>(name: string): Channel<T> {
    this.#declare({ kind: "channel", name });
    return unusable(name);
  }

  barrier(name: string, parties: number): Barrier {
    if (!Number.isSafeInteger(parties) || parties < 1) {
      throw new RangeError(
        `Cannot declare barrier ${name} for ${parties} parties: it takes whole numbers from 1 on`,
      );
    }
    this.#declare({ kind: "barrier", name, parties });
    return unusable(name);
  }

  signal(name: string): Signal {
    this.#declare({ kind: "signal", name });
    return unusable(name);
  }

  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): Shared<T, K> {
    this.#declare({ kind: "object", name, operations: Object.keys(kind.operations) });
    this.#kinds.set(name, kind as unknown as ObjectKind<object, never>);
    return unusable(name);
  }

  file(name: string, initial?: string): SharedFile {
    this.#declare({ kind: "file", name, initial });
    return unusable(name);
  }

  crash(name: string): Crashes {
    this.#declare({ kind: "crash", name });
    return unusable(name);
  }

  calls(): Calls {
    return unusable("the calls");
  }

  clock(name: string): Clock {
    this.#declare({ kind: "clock", name });
    return unusable(name);
  }

  shared<T extends object>(name: string): T {
    this.#declare({ kind: "shared", name });
    return unusable(name);
  }

  operation<A extends unknown[], R>(object: string): (...args: A) => Promise<R> {
    // Several functions may touch one object, so it may be named again.
    if (!this.#objects.has(object)) this.#declare({ kind: "operation", name: object });
    return () => refuse(object);
  }

  #declare(object: Declared): void {
    if (typeof object.name !== "string" || !OBJECT_NAME.test(object.name)) {
      throw new TypeError(
        `Cannot declare ${object.kind} ${
          JSON.stringify(object.name)
        }: a name is a letter, then up to 39 letters, digits, spaces, hyphens or underscores`,
      );
    }
    if (this.#objects.has(object.name)) {
      throw new TypeError(`Cannot declare ${object.kind} ${object.name}: the name is taken`);
    }
    this.#objects.set(object.name, object);
  }
}

/**
 * Refuses what a cell cannot hold.
 *
 * @throws {TypeError} when the value is no whole number of 32 bits.
 */
export function checkCellValue(name: string, value: unknown): asserts value is number {
  if (typeof value === "number" && value === (value | 0) && !Object.is(value, -0)) return;
  const given = typeof value === "number" ? String(value) : typeof value;
  throw new TypeError(`Cannot put ${given} into cell ${name}: it holds whole numbers of 32 bits`);
}

function unusable<T extends object>(name: string): T {
  return new Proxy({}, { get: () => refuse(name) }) as T;
}

function refuse(name: string): never {
  throw new TypeError(
    `Cannot use ${name} while the scenario is being built: use it inside an actor`,
  );
}
