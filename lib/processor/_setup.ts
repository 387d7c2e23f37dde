/** What the options of pools and methods come to. */
import { checkDuration, checkOptions, show } from "../_options.ts";
import { checkCount } from "./_checks.ts";
import type { AnyHandler, ModuleTarget } from "./_method.ts";
import type { PoolOptions } from "./_pool.ts";
import type { PoolShape } from "./options.ts";

/** How many processors the runtime tells of. */
function processors(): number {
  return (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator
    ?.hardwareConcurrency ?? 4;
}

/** Checks and completes what a pool is made from. */
export function shapeOf(
  shape: PoolShape,
  action: string,
): Pick<PoolOptions, "min" | "max" | "idle" | "queueLimit"> {
  checkOptions(shape, action);
  const { workers = processors(), queueLimit = 100 } = shape;
  checkCount("queueLimit", queueLimit, action, 0);
  if (typeof workers !== "object" || workers === null) {
    checkCount("workers", workers, action);
    return { min: workers, max: workers, idle: Infinity, queueLimit };
  }
  const { min, max, idle = 10_000 } = workers;
  checkCount("workers.max", max, action);
  checkCount("workers.min", min, action, 1, max);
  checkDuration("workers.idle", idle, action);
  return { min, max, idle, queueLimit };
}

/** Whether a handler is given as a module. */
const isModule = (handler: unknown): handler is URL => handler instanceof URL;

/** What is called for a method, and where. */
export function targetOf(
  method: string,
  handler: unknown,
  exported: string | undefined,
  action: string,
): AnyHandler | ModuleTarget {
  if (isModule(handler)) {
    if (exported !== undefined && typeof exported !== "string") {
      throw new TypeError(`Cannot ${action}: export must be a string, got ${show(exported)}`);
    }
    return {
      module: handler.href,
      names: exported === undefined ? [method, "default"] : [exported],
    };
  }
  if (exported !== undefined) {
    throw new TypeError(`Cannot ${action}: export is for a handler that is given as a module`);
  }
  if (typeof handler !== "function") {
    throw new TypeError(
      `Cannot ${action}: the handler must be a function or the URL of a module, got ${
        show(handler)
      }`,
    );
  }
  return handler as AnyHandler;
}
