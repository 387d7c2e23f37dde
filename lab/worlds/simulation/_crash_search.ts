/**
 * The search for a disk on which something is wrong, and what it is evidence of.
 *
 * Each different disk is checked once for each number of reports before it: nothing else of what was
 * before a power loss reaches the check. So the search ends when recovery, cut off anywhere, leaves
 * no disk that was not seen, which a recovery that can be repeated does.
 */
import type { Explorer, Left } from "./_crash_explorer.ts";
import type { CrashRun } from "./_crash_run.ts";
import type { CrashFailure, CrashOptions, CrashVerdict } from "./crash_program.ts";

/** What has been tried so far, and what that is evidence of. */
export class Search {
  kills = 0;
  /** At how many moments of the program's own run power was lost. */
  lost = 0;
  disks = 0;
  readonly #steps: number;
  readonly #options: Required<Pick<CrashOptions, "moments" | "disks" | "checks" | "seed">>;
  readonly #evidence: string[] = [];
  #complete = true;
  /** At how many moments there were too many disks. */
  #sampled = 0;
  /** Whether there were too many in all. */
  #cut = false;

  constructor(steps: number, options: CrashOptions) {
    const { moments = 1000, disks = 256, checks = 20_000, seed = 1 } = options;
    this.#steps = steps;
    this.#options = { moments, disks, checks, seed };
  }

  /** Checks every disk that may be left of `run`, and of the recoveries from those. */
  async losses<T>(explorer: Explorer<T>, run: CrashRun<T>): Promise<CrashFailure | undefined> {
    const { moments, disks, checks } = this.#options;
    const seen = new Set<string>();
    const queue: { run: CrashRun<T>; earlier: Left<T> | undefined }[] = [
      { run, earlier: undefined },
    ];
    // Disks that fewer power losses leave come first, so that the first failure has the fewest.
    for (const { run, earlier } of queue) {
      if (run.events.length > moments && earlier !== undefined) this.#complete = false;
      for (const loss of run.losses) {
        if (earlier === undefined) this.lost++;
        const reported = earlier?.reported ?? run.reported.slice(0, loss.reported);
        const survivors = explorer.survivors(loss, disks);
        if (!survivors.complete) this.#sampled++;
        for (const survivor of survivors.all) {
          const key = `${reported.length} ${survivor.key}`;
          if (seen.has(key)) continue;
          if (this.disks === checks) {
            this.#cut = true;
            return undefined;
          }
          seen.add(key);
          this.disks++;
          const left = { run, loss, survivor, reported, earlier };
          const capture = (moment: number) => explorer.recovers && moment <= moments;
          const { run: recovery, failure } = await explorer.recover(left, capture);
          if (failure !== undefined) return failure;
          if (explorer.recovers) queue.push({ run: recovery, earlier: left });
        }
      }
    }
  }

  /** What is known of the disks, in words. */
  left(recovers: boolean): string {
    const { checks, seed } = this.#options;
    this.#complete &&= this.#sampled === 0 && !this.#cut;
    const again = recovers ? "; power lost again in recovery" : "";
    if (this.#cut) return `the first ${checks} disks that may be left (seed ${seed})${again}`;
    if (this.#sampled === 0) return `all ${this.disks} disks that may be left${again}`;
    return `${this.disks} disks, sampled at ${this.#sampled} moments (seed ${seed})${again}`;
  }

  /** Notes that nothing was wrong. */
  passed(what: string, some: number, all: number, left?: string): void {
    const { seed } = this.#options;
    this.#complete &&= some === all;
    const count = some === all ? `all ${all} moments` : `${some} of ${all} moments (seed ${seed})`;
    const at = `${what} at ${count} of ${this.#steps} I/O steps`;
    this.#evidence.push(left === undefined ? at : `${at}, ${left}`);
  }

  safe(): CrashVerdict {
    return this.#verdict("safe", this.#complete);
  }

  broken(failure: CrashFailure, evidence: string): CrashVerdict {
    this.#evidence.push(evidence);
    return { ...this.#verdict("broken", false), failure };
  }

  #verdict(verdict: CrashVerdict["verdict"], complete: boolean): CrashVerdict {
    const { kills, lost: losses, disks } = this;
    const evidence = this.#evidence.join("; ");
    return { verdict, evidence, complete, steps: this.#steps, kills, losses, disks };
  }
}
