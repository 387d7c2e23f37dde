/** What `request` answers. */
import type { Job } from "./_job.ts";
import type { Receipt, Submission } from "./jobs.ts";

/** A request that was accepted. */
export class Accepted implements Submission<unknown> {
  readonly #job: Job;
  readonly #receipt: Receipt;
  #accepted: Promise<Receipt> | undefined;

  constructor(job: Job, receipt: Receipt) {
    this.#job = job;
    this.#receipt = receipt;
  }

  get accepted(): Promise<Receipt> {
    return this.#accepted ??= Promise.resolve(this.#receipt);
  }

  get completed(): Promise<unknown> {
    return this.#job.completed;
  }
}

/** A request that was not. */
export class Refused implements Submission<never> {
  readonly #reason: unknown;
  #accepted: Promise<never> | undefined;
  #completed: Promise<never> | undefined;

  constructor(reason: unknown) {
    this.#reason = reason;
  }

  get accepted(): Promise<never> {
    this.#accepted ??= Promise.reject(this.#reason);
    this.#toldByBoth();
    return this.#accepted;
  }

  get completed(): Promise<never> {
    this.#completed ??= Promise.reject(this.#reason);
    this.#toldByBoth();
    return this.#completed;
  }

  /** Whoever has both need only look at one. */
  #toldByBoth(): void {
    if (this.#accepted === undefined || this.#completed === undefined) return;
    this.#accepted.catch(() => {});
    this.#completed.catch(() => {});
  }
}
