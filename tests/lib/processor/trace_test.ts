/** Traces: carried from a request to its handler, and on to what the handler requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { currentTrace, type JobContext, type TraceContext } from "../../../lib/processor/mod.ts";
import { settle } from "../../_fake_host.ts";
import { create } from "./_held.ts";

const timeout = 20_000;
const GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** The trace of one who is told of it and of one who asks for it, which must be one. */
async function both(_: unknown, { trace }: JobContext): Promise<TraceContext | undefined> {
  assert.deepEqual(currentTrace(), trace);
  await settle();
  assert.deepEqual(currentTrace(), trace);
  return trace;
}

test("a job continues the trace it is given, as a span of its own", { timeout }, async () => {
  const { processor } = create({ trace: true });
  processor.handle("trace", both);
  const trace = await processor.request("trace", 0, { traceparent: GIVEN }).completed;
  assert.match(trace.spanId, /^[0-9a-f]{16}$/);
  assert.notEqual(trace.spanId, "b7ad6b7169203331");
  assert.deepEqual(trace, {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: trace.spanId,
    parentId: "b7ad6b7169203331",
    sampled: true,
    traceparent: `00-0af7651916cd43dd8448eb211c80319c-${trace.spanId}-01`,
  });
  const unsampled = GIVEN.replace(/01$/, "00");
  const other = await processor.request("trace", 0, { traceparent: unsampled }).completed;
  assert.deepEqual([other.sampled, other.traceparent.slice(-3)], [false, "-00"]);
});

test("a job without one begins a trace of its own", { timeout }, async () => {
  const { processor } = create({ trace: true });
  processor.handle("trace", both);
  const traces = await Promise.all(
    [1, 2, 3].map(() => processor.request("trace").completed as Promise<TraceContext>),
  );
  for (const { traceId, parentId, sampled, traceparent } of traces) {
    assert.match(traceId, /^[0-9a-f]{32}$/);
    assert.deepEqual([parentId, sampled], [undefined, true]);
    assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  }
  assert.equal(new Set(traces.map(({ traceId }) => traceId)).size, 3);
});

test("what a handler requests is in its trace, through what it awaits and through queues", {
  timeout,
}, async () => {
  const { processor, held } = create({ trace: true, workers: 4 });
  const other = create({ trace: true }).processor;
  processor.handle("inner", both);
  other.handle("elsewhere", both);
  processor.handle("outer", async (_: unknown, { trace }: JobContext) => {
    await settle();
    const inner = await processor.request("inner").completed;
    const elsewhere = await other.request("elsewhere").completed;
    return [trace, inner, elsewhere];
  });
  processor.notify("hold");
  const [a, b] = await Promise.all(
    [1, 2].map(() => processor.request("outer").completed as Promise<TraceContext[]>),
  );
  for (const [outer, inner, elsewhere] of [a, b]) {
    assert.deepEqual([inner.traceId, inner.parentId], [outer.traceId, outer.spanId]);
    assert.deepEqual([elsewhere.traceId, elsewhere.parentId], [outer.traceId, outer.spanId]);
    assert.notEqual(inner.spanId, elsewhere.spanId);
  }
  assert.notEqual(a[0].traceId, b[0].traceId);
  held.runs[0].end();
  assert.equal(currentTrace(), undefined);
});

test("jobs show their traces to orders, batches and onFailure", { timeout }, async () => {
  const seen: (TraceContext | undefined)[] = [];
  const { processor } = create({
    trace: true,
    onFailure: ({ job }) => seen.push(job.trace),
  });
  processor.handleBatch("batch", (payloads: unknown[], { jobs }) => {
    seen.push(...jobs.map(({ trace }) => trace), currentTrace());
    return payloads;
  }, { size: 2 });
  processor.handle("fail", () => {
    throw new Error("no");
  });
  for (const parent of ["1", "2"]) {
    const traceparent = GIVEN.replace("b7ad6b716920333", "b7ad6b71692033" + parent);
    processor.notify("batch", 0, { traceparent });
  }
  await processor.notify("fail", 0, { traceparent: GIVEN });
  await processor.idle();
  assert.deepEqual(seen.map((trace) => trace?.parentId), [
    "b7ad6b7169203311",
    "b7ad6b7169203321",
    "b7ad6b7169203311",
    "b7ad6b7169203331",
  ]);
});

test("without trace: true there is none", { timeout }, async () => {
  const { processor } = create();
  processor.handle("trace", both);
  assert.equal(await processor.request("trace").completed, undefined);
});

test("request() refuses a traceparent that is none of the W3C's", { timeout }, async () => {
  const { processor } = create({ trace: true });
  processor.handle("trace", both);
  const bad = [
    "",
    GIVEN.toUpperCase(),
    GIVEN.slice(1),
    GIVEN + "-more",
    "ff" + GIVEN.slice(2),
    GIVEN.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
    GIVEN.replace("b7ad6b7169203331", "0".repeat(16)),
    5 as never,
  ];
  for (const traceparent of bad) {
    assert.throws(() => processor.request("trace", 0, { traceparent }), {
      name: "TypeError",
      message: /^Cannot request trace: traceparent must be /,
    });
  }
  // A later version may go on after the flags.
  const later = "01" + GIVEN.slice(2) + "-more";
  const trace = await processor.request("trace", 0, { traceparent: later }).completed;
  assert.equal(trace.traceId, "0af7651916cd43dd8448eb211c80319c");
  assert.equal(processor.stats().accepted, 1);
});
