/** What one key of a store does when its calls come one after another, for the lab's checker. */
import { answered, ILLEGAL, type Model, models } from "../../../lab/mod.ts";

const { step, helps } = models.keyValue(null);

/**
 * The lab's key-value model, and beyond `get`, `put` and `append` also `delete`, which answers whether
 * there was anything, and `cas` with an input of `[expected, next]`, which answers whether it held
 * what was expected. Texts that are stored are never stored again, so a text stands for its version.
 */
export const storeModel: Model<string | null> = {
  name: "store",
  initial: null,
  operations: ["get", "put", "append", "delete", "cas"],
  observes: ({ name, output }) => name === "get" || output === false,
  helps(value, wanted, call) {
    // Only what is asked of `get` is as simple as that.
    if (wanted.name !== "get" || call.name === "cas" || call.name === "delete") return true;
    return helps!(value, wanted, call);
  },
  step(value, call) {
    if (call.name === "delete") return answered(call, value !== null) ? null : ILLEGAL;
    if (call.name !== "cas") return step(value, call);
    const [expected, next] = call.input as [string | null, string];
    if (!answered(call, value === expected)) return ILLEGAL;
    return value === expected ? next : value;
  },
};
