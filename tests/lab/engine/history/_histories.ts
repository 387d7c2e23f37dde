/** Random histories, small enough to be checked by brute force. */
import fc from "fast-check";
import { type Call, type Model, models } from "../../../../lab/engine/history/mod.ts";

/** What is called, with what, and what it answers. */
type Body = readonly [name: string, input: unknown, output: unknown];

const value = fc.nat({ max: 2 });
const nothing = fc.constant(undefined);
const either = fc.boolean();
const perhaps = fc.constantFrom(true, false, undefined);
const items = fc.constantFrom([], [0], [1], [0, 1], [2, 0]);
const text = fc.constantFrom("", "a", "b");
const texts = fc.constantFrom(null, "", "a", "ab", "ba", "b");

function body(
  name: string,
  input: fc.Arbitrary<unknown>,
  output: fc.Arbitrary<unknown>,
): fc.Arbitrary<Body> {
  return fc.tuple(fc.constant(name), input, output);
}

/** Each model, with calls that may or may not fit it. */
export const subjects: readonly { readonly model: Model; readonly body: fc.Arbitrary<Body> }[] = [
  {
    model: models.register(0),
    body: fc.oneof(body("write", value, nothing), body("read", nothing, value)),
  },
  {
    model: models.casRegister(0),
    body: fc.oneof(
      body("write", value, nothing),
      body("read", nothing, value),
      body("cas", fc.tuple(value, value), perhaps),
    ),
  },
  {
    model: models.counter() as Model,
    body: fc.oneof(
      body("read", nothing, value),
      body("increment", nothing, fc.option(value, { nil: undefined })),
      body("decrement", nothing, nothing),
      body("add", value, fc.option(value, { nil: undefined })),
    ),
  },
  {
    model: models.keyValue() as Model,
    body: fc.oneof(
      body("get", nothing, texts),
      body("put", text, nothing),
      body("append", text, nothing),
    ),
  },
  {
    model: models.queue() as Model,
    body: fc.oneof(
      body("enqueue", value, nothing),
      body("dequeue", nothing, fc.option(value, { nil: undefined })),
    ),
  },
  {
    model: models.mutex() as Model,
    body: fc.oneof(
      body("acquire", fc.constantFrom("A", "B"), perhaps),
      body("release", fc.constantFrom("A", "B"), nothing),
    ),
  },
  {
    model: models.readWriteLock() as Model,
    body: fc.oneof(
      body("acquireRead", nothing, perhaps),
      body("acquireWrite", nothing, perhaps),
      body("releaseRead", nothing, nothing),
      body("releaseWrite", nothing, nothing),
      body("upgrade", nothing, either),
      body("downgrade", nothing, nothing),
    ),
  },
  {
    model: models.set() as Model,
    body: fc.oneof(
      body("add", value, perhaps),
      body("remove", value, perhaps),
      body("has", value, either),
      body("read", nothing, items),
    ),
  },
];

/** Calls, on one object or on as many as there are, that overlap more or less. */
export function histories(
  body: fc.Arbitrary<Body>,
  { calls = 7, objects = 2 }: { calls?: number; objects?: number } = {},
): fc.Arbitrary<Call[]> {
  return fc.record({
    span: fc.constantFrom(4, 8, 16, 4 * calls),
    several: fc.constantFrom(false, false, false, true),
  }).chain(({ span, several }) =>
    fc.array(
      fc.record({
        body,
        invoked: fc.nat({ max: span }),
        length: fc.nat({ max: span >> 1 }),
        outcome: fc.constantFrom("ok", "ok", "ok", "ok", "ok", "ok", "open", "open", "failed"),
        object: fc.nat({ max: several ? objects - 1 : 0 }),
      }),
      { maxLength: calls, size: "max" },
    ).map((list) =>
      list.map(({ body: [name, input, output], invoked, length, outcome, object }, process) => {
        const call = { process, name, object, input, invoked };
        return outcome === "ok"
          ? { ...call, outcome, output, returned: invoked + length }
          : { ...call, outcome: outcome as "open" | "failed" };
      })
    )
  );
}
