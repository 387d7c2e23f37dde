/** A cell as one actor sees it. Its operations are made once, for runs are to be short. */
import { checkCellValue } from "./_declaration.ts";
import type { RawCell } from "./_medium.ts";
import type { Performable, Port } from "./_port.ts";
import type { Cell } from "./world.ts";

/** Each call is one operation at the actor's port. */
export class CellView implements Cell {
  readonly #port: Port;
  readonly #name: string;
  readonly #read: Performable;
  readonly #write: Performable;
  readonly #compareAndSet: Performable;

  constructor(port: Port, name: string, cell: RawCell) {
    this.#port = port;
    this.#name = name;
    this.#read = {
      object: name,
      kind: "read",
      effect: "read",
      takes: Infinity,
      perform: () => cell.read(),
    };
    this.#write = {
      object: name,
      kind: "write",
      effect: "write",
      takes: Infinity,
      perform: (value) => cell.write(value as number),
    };
    this.#compareAndSet = {
      object: name,
      kind: "compare-and-set",
      effect: "write",
      takes: Infinity,
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
