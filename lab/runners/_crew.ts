/**
 * The tour with as many processes as there are processors: each takes a scenario, and the next when it
 * is through with that. What comes of a scenario does not depend on who tries it; so results are told in
 * the order of the tour, whoever is ready first.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { TrialResult } from "../reports/mod.ts";
import { type Scenario, Subject, WorldError, type WorldName } from "../worlds/mod.ts";
import { MARK, onLines } from "../worlds/_lines.ts";
import { moduleBeside, runCommand, runtimes } from "../worlds/_runtimes.ts";
import { tour, type TourListener, type TourOptions } from "./tour.ts";
import type {} from "./_tour_helper.ts";

/** What a helper is asked for. */
export interface TourTask {
  readonly scenario: string;
  readonly worlds: readonly WorldName[];
  readonly seed?: number;
  readonly showPassing?: boolean;
}

/** What a helper says. */
export type FromHelper =
  | { readonly type: "trying"; readonly what: string }
  | { readonly type: "tried"; readonly result: TrialResult }
  | { readonly type: "done" }
  | { readonly type: "failed"; readonly message: string };

/** Tries every variant of scenarios that come with the lab, as `tour` does, in several processes. */
export async function tourTogether(
  scenarios: readonly Scenario[],
  options: TourOptions,
  listener: TourListener = {},
): Promise<TrialResult[]> {
  const count = Math.min(scenarios.length, availableParallelism());
  if (count < 2) return await tour(scenarios, options, listener);
  const { worlds, seed, showPassing } = options;
  const total = scenarios.reduce((sum, scenario) => sum + trials(scenario, worlds), 0);
  const results: TrialResult[][] = scenarios.map(() => []);
  const ended = new Set<number>();
  let done = 0;
  let told = 0;
  let toldOf = 0;
  const tell = () => {
    while (told < scenarios.length) {
      while (toldOf < results[told].length) listener.tried?.(results[told][toldOf++]);
      if (!ended.has(told)) return;
      told++;
      toldOf = 0;
    }
  };
  let next = 0;
  const work = async () => {
    const helper = new Helper();
    try {
      while (next < scenarios.length) {
        const place = next++;
        const task = { scenario: scenarios[place].name, worlds, seed, showPassing };
        await helper.perform(task, {
          trying: (what) => listener.trying?.(done, total, what),
          tried: (result) => {
            done++;
            results[place].push(result);
            tell();
          },
        });
        ended.add(place);
        tell();
      }
    } finally {
      await helper.close();
    }
  };
  await Promise.all(Array.from({ length: count }, work));
  return results.flat();
}

/** How many results a scenario has. */
function trials(scenario: Scenario, worlds: readonly WorldName[]): number {
  return Object.keys(scenario.variants).reduce(
    (sum, variant) =>
      sum + new Subject(scenario, variant).worlds.filter((world) => worlds.includes(world)).length,
    0,
  );
}

/** What is told of one scenario's part. */
interface PartListener {
  trying(what: string): void;
  tried(result: TrialResult): void;
}

/** One process that helps. */
class Helper {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<void>;
  #listener: PartListener | undefined;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor() {
    const module = moduleBeside("_tour_helper", import.meta.url).href;
    const { command, args } = runCommand(runtimes()[0], module);
    const child = this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.on("error", () => {});
    this.#ended = new Promise((resolve) => {
      const died = (why: string) => {
        this.#reject(new WorldError(`Cannot go on with the tour: its helper ${why}`));
        resolve();
      };
      child.on("error", (error) => died(`cannot be started (${error.message})`));
      child.on("close", (code, signal) => died(`ended with ${signal ?? `code ${code}`}`));
    });
    onLines(child.stdout, (line) => {
      const start = line.indexOf(MARK);
      if (start >= 0) this.#hear(JSON.parse(line.slice(start + MARK.length)));
    });
  }

  perform(task: TourTask, listener: PartListener): Promise<void> {
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#child.stdin.write(`${JSON.stringify(task)}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  #hear(message: FromHelper): void {
    switch (message.type) {
      case "trying":
        return this.#listener?.trying(message.what);
      case "tried":
        return this.#listener?.tried(message.result);
      case "done":
        return this.#resolve();
      case "failed":
        return this.#reject(new Error(message.message));
    }
  }
}
