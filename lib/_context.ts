/** Values that follow a task through what it awaits, where the runtime can do that. */

/** As much of `AsyncLocalStorage` as is used. */
export interface Context<T> {
  /** The value of the task that runs now. */
  getStore(): T | undefined;
  /** Runs `fn`, and all that it starts, with a value. */
  run<R>(value: T, fn: () => R): R;
}

/** What a module of Node's is reached by without an import, so that this loads in a browser too. */
interface Builtins {
  process?: { getBuiltinModule?(name: string): unknown };
}

/** A context of its own; `undefined` where the runtime has none. */
export function createContext<T>(): Context<T> | undefined {
  const { process } = globalThis as Builtins;
  const hooks = process?.getBuiltinModule?.("node:async_hooks") as
    | { AsyncLocalStorage: new () => Context<T> }
    | undefined;
  return hooks && new hooks.AsyncLocalStorage();
}
