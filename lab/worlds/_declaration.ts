/** The first look at a scenario: what it declares, without running it. */
import type { Cell, CellOptions, Channel, Clock, Lock, World } from "./world.ts";

/** One shared object as it was declared. */
export type Declared =
  | {
    readonly kind: "cell";
    readonly name: string;
    readonly initial: number;
    readonly atomic: boolean;
  }
  | { readonly kind: "lock"; readonly name: string }
  | { readonly kind: "channel"; readonly name: string }
  | { readonly kind: "clock"; readonly name: string }
  | { readonly kind: "shared"; readonly name: string }
  | { readonly kind: "operation"; readonly name: string };

const OBJECT_NAME = /^[A-Za-z][A-Za-z0-9 _-]{0,39}$/;

/** Collects what `build` declares. Its objects cannot be used. */
export class Declaration implements World {
  readonly #objects = new Map<string, Declared>();

  /** What has been declared, in order. */
  get objects(): readonly Declared[] {
    return [...this.#objects.values()];
  }

  cell(name: string, initial: number, options: CellOptions = {}): Cell {
    checkCellValue(name, initial);
    this.#declare({ kind: "cell", name, initial, atomic: options.atomic ?? false });
    return unusable(name);
  }

  lock(name: string): Lock {
    this.#declare({ kind: "lock", name });
    return unusable(name);
  }

  channel<T>(name: string): Channel<T> {
    this.#declare({ kind: "channel", name });
    return unusable(name);
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
