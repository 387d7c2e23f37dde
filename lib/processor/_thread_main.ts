/** Where a Worker of a processor begins. */
import { parentThread } from "../_host_threads.ts";
import { LazySignal } from "../_lazy_signal.ts";
import type { FromWorker, RunOrder, SentResult, ToWorker } from "./_protocol.ts";
import { receive, send } from "./_sent_errors.ts";
import { runInTrace } from "./_trace.ts";

const parent = parentThread();
/** The run that is under way, and its signal. */
let current: { readonly run: number; readonly signal: LazySignal } | undefined;

function answer(message: FromWorker, transfer?: readonly object[]): void {
  parent.post(message, transfer);
}

/** The handler of an order; throws when there is none. */
async function findHandler({ module, names, method }: RunOrder) {
  const exported = await import(module) as Record<string, unknown>;
  const name = names.find((each) => exported[each] !== undefined) ?? names[0];
  const handler = exported[name];
  if (typeof handler === "function") return handler as (...args: unknown[]) => unknown;
  throw new TypeError(
    `Cannot run ${method}: ${module} exports no function ${names.join(" or ")}`,
  );
}

function sendResult(result: unknown): SentResult {
  return result instanceof Error ? { error: send(result) } : { value: result };
}

async function run(order: RunOrder): Promise<void> {
  const { payload, isBatch, worker, method, jobs, trace } = order;
  const signal = new LazySignal();
  current = { run: order.run, signal };
  const moved: object[] = [];
  const context = {
    ...(isBatch ? { method, jobs } : jobs[0]),
    worker,
    get signal(): AbortSignal {
      return signal.signal;
    },
    transfer(objects: readonly object[]): void {
      moved.push(...objects);
    },
  };
  try {
    const handler = await findHandler(order);
    signal.signal.throwIfAborted();
    const result = await runInTrace(trace, () => handler(payload, context));
    const sent = isBatch && Array.isArray(result) ? result.map(sendResult) : result;
    const value = isBatch && sent === result ? undefined : sent;
    answer({ type: "done", run: order.run, value }, moved);
  } catch (error) {
    answer({ type: "failed", run: order.run, error: send(error) });
  }
}

parent.onMessage((message) => {
  const order = message as ToWorker;
  if (order.type === "run") run(order);
  else if (order.run === current?.run) current.signal.abort(receive(order.reason));
});
answer({ type: "up" });
