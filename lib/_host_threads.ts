/**
 * Threads, as `node:worker_threads` has them on both runtimes: the module's Workers tell alike that
 * they have failed (`error`, with a real Error) and that they are gone (`exit`), which the web's
 * do not.
 *
 * They are no part of `Host`, for a simulation has none to put in their place.
 */
import { builtin } from "./_host_node.ts";
import { workerUrl } from "./_module_urls.ts";

type Moved = import("node:worker_threads").Transferable[];

/** What is told of a thread. Nothing is told after `ended`. */
export interface ThreadListener {
  /** It has sent something. */
  received(message: unknown): void;
  /** It is gone: by an error nobody caught, by leaving, or by `end()`. */
  ended(code: number, error: unknown): void;
}

/** A thread that was started from here. */
export interface Thread {
  /** Sends a copy of `message`; what is in `transfer` is moved and not copied. */
  post(message: unknown, transfer?: readonly object[]): void;
  /** Whether the process stays alive for it; at first it does. */
  keepAlive(yes: boolean): void;
  /**
   * Ends it wherever it is, and resolves when it is gone. Deno (2.9) cannot end code that never
   * yields: such a thread is gone to all appearances, and burns a core until the process ends.
   */
  end(): Promise<void>;
}

/** The side of whoever started this thread. */
export interface ParentThread {
  /** Sends a copy of `message`; what is in `transfer` is moved and not copied. */
  post(message: unknown, transfer?: readonly object[]): void;
  /** Calls back with each message; the thread stays alive for them. */
  onMessage(listener: (message: unknown) => void): void;
}

/** Starts a thread from a module of this package. */
export function startThread(module: URL, listener: ThreadListener): Thread {
  const { Worker } = builtin<typeof import("node:worker_threads")>("node:worker_threads");
  const worker = new Worker(workerUrl(module));
  let error: unknown;
  let gone = false;
  worker.on("message", (message) => {
    if (!gone) listener.received(message);
  });
  worker.on("error", (thrown) => error ??= thrown);
  worker.on("exit", (code) => {
    if (gone) return;
    gone = true;
    listener.ended(code, error);
  });
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as Moved),
    keepAlive: (yes) => void (yes ? worker.ref() : worker.unref()),
    end: async () => void await worker.terminate(),
  };
}

/** The thread that started this one, which must have been started by `startThread`. */
export function parentThread(): ParentThread {
  const { parentPort } = builtin<typeof import("node:worker_threads")>("node:worker_threads");
  const port = parentPort!;
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer as Moved),
    onMessage: (listener) => void port.on("message", listener),
  };
}
