/**
 * Linearizability by its definition: every order of every choice of open calls, tried one by one.
 *
 * Slow on purpose, and without a thought of the checker's: no cache, no partition, no short cut.
 */
import { type Call, ILLEGAL, type Model, show } from "../../../../lab/engine/history/mod.ts";

/** Whether some order of the calls is allowed by the model and by the times. */
export function bruteForce(history: readonly Call[], model: Model): boolean {
  const calls = history.filter(({ outcome }) => outcome !== "failed");
  const objects = [...new Set(calls.map(({ object }) => object))];
  return objects.every((object) =>
    place(calls.filter((call) => call.object === object), model.initial, model)
  );
}

function place(left: readonly Call[], state: unknown, model: Model): boolean {
  if (left.every(({ outcome }) => outcome === "open")) return true;
  return left.some((call) => {
    if (left.some((other) => other !== call && precedes(other, call))) return false;
    const after = step(model, state, call);
    return after !== ILLEGAL && place(left.filter((other) => other !== call), after, model);
  });
}

/**
 * The same for histories that are somewhat longer: what has been tried is remembered, as the calls that
 * are left and the state they are left in.
 */
export function bruteForceRemembering(history: readonly Call[], model: Model): boolean {
  const calls = history.filter(({ outcome }) => outcome !== "failed");
  const tried = new Set<string>();
  const search = (left: readonly number[], state: unknown): boolean => {
    if (left.every((i) => calls[i].outcome === "open")) return true;
    const here = `${left} ${show(state)}`;
    if (tried.has(here)) return false;
    tried.add(here);
    return left.some((i) => {
      if (left.some((j) => precedes(calls[j], calls[i]))) return false;
      const after = step(model, state, calls[i]);
      return after !== ILLEGAL && search(left.filter((j) => j !== i), after);
    });
  };
  return search([...calls.keys()], model.initial);
}

/** Whether `a` had returned before `b` was invoked. */
export function precedes(a: Call, b: Call): boolean {
  return a.outcome === "ok" && a.returned! < b.invoked;
}

/** One call on a model. */
export function step(model: Model, state: unknown, call: Call): unknown {
  const { name, input, output, outcome } = call;
  const open = outcome === "open";
  return model.step(state, { name, input, output: open ? undefined : output, open });
}

/**
 * What is known of a history just after `moment`: calls that return later are open, calls that are
 * invoked later are not there.
 */
export function until(history: readonly Call[], moment: number): Call[] {
  return history.filter(({ outcome, invoked }) => outcome !== "failed" && invoked <= moment).map(
    (call): Call =>
      call.outcome === "ok" && call.returned! > moment
        ? { ...call, outcome: "open", output: undefined, returned: undefined }
        : call,
  );
}
