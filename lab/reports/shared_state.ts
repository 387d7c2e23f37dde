/** What the shared objects held after each step of a run, as far as the steps tell. */
import type { Step } from "./results.ts";
import { showValue } from "./values.ts";

/** What is known of one object. */
export interface ObjectState {
  /** Its name. */
  readonly object: string;
  /** What it holds, in words; `?` before anything is known of it. */
  readonly holds: string;
  /** Whether the step changed that. */
  readonly changed: boolean;
}

/** Who is in a lock and who waits for it. */
class LockState {
  readonly inside = new Map<string, string>();
  readonly waiting = new Map<string, string>();

  see({ actor, kind }: Step): void {
    const [verb, mode = ""] = kind.split(" ");
    if (verb === "request") this.waiting.set(actor, mode);
    if (verb === "enter") {
      this.waiting.delete(actor);
      this.inside.set(actor, mode);
    }
    if (verb === "leave") this.inside.delete(actor);
  }

  toString(): string {
    const list = (parties: Map<string, string>) =>
      [...parties].map(([actor, mode]) => `${actor} (${mode})`).join(", ");
    const inside = this.inside.size === 0 ? "free" : `held by ${list(this.inside)}`;
    return this.waiting.size === 0 ? inside : `${inside}; ${list(this.waiting)} waits`;
  }
}

/** What a step says about the value of its object, if anything. */
function valueAfter({ kind, argument, result }: Step): string | undefined {
  if (kind === "write") return showValue(argument);
  if (kind === "compare-and-set") {
    return result === true ? showValue((argument as readonly unknown[])[1]) : undefined;
  }
  if (kind === "read" && result !== undefined) return showValue(result);
  return undefined;
}

/** The initial value, where the first step that tells of it is a look. */
function valueBefore(steps: readonly Step[], object: string): string | undefined {
  const first = steps.find((step) => step.object === object && valueAfter(step) !== undefined);
  return first?.kind === "read" ? showValue(first.result) : undefined;
}

/**
 * The shared objects before the run and after each of its steps: cells by their values, locks by who
 * is inside and who waits, anything else by what it answered last.
 */
export function sharedStates(steps: readonly Step[]): readonly (readonly ObjectState[])[] {
  const objects = [...new Set(steps.map((step) => step.object))];
  const locks = new Map<string, LockState>();
  const holds = new Map(objects.map((object) => [object, valueBefore(steps, object) ?? "?"]));
  for (const { object, kind } of steps) {
    if (/^(request|enter|leave) /.test(kind) && !locks.has(object)) {
      locks.set(object, new LockState());
      holds.set(object, "free");
    }
  }
  const show = (changed?: string): ObjectState[] =>
    objects.map((object) => ({ object, holds: holds.get(object)!, changed: object === changed }));
  const states = [show()];
  for (const step of steps) {
    const { object, kind, argument, result } = step;
    const before = holds.get(object);
    const lock = locks.get(object);
    lock?.see(step);
    const said = result === undefined ? argument : result;
    const after = lock?.toString() ?? valueAfter(step) ??
      (/^(read|compare-and-set)$/.test(kind) || said === undefined
        ? before!
        : `${kind}: ${showValue(said)}`);
    holds.set(object, after);
    states.push(show(after === before ? undefined : object));
  }
  return states;
}
