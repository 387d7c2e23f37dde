/** Why a job was not accepted, or why it has no answer. */

/** Times in messages have one decimal. */
const round = (ms: number): number => Math.round(ms * 10) / 10;

/** There is no handler for the method. */
export class UnknownMethodError extends Error {
  /** Always `UnknownMethodError`. */
  override readonly name = "UnknownMethodError";
  /** The method that was requested. */
  readonly method: string;

  /** Builds the message from the method and who has no handler for it. */
  constructor(method: string, processor: string) {
    super(`Cannot request ${method}: ${processor} has no handler for it`);
    this.method = method;
  }
}

/** The processor is shutting down: the job was refused, or was not done in time and aborted. */
export class ShutdownError extends Error {
  /** Always `ShutdownError`. */
  override readonly name = "ShutdownError";
  /** The method that was requested. */
  readonly method: string;
  /** Whether the job had been accepted, and was aborted at the end of the shutdown's `timeout`. */
  readonly accepted: boolean;

  /** Builds the message. */
  constructor(method: string, processor: string, accepted: boolean) {
    super(
      accepted
        ? `Cannot finish ${method}: ${processor} was shut down before it was done`
        : `Cannot request ${method}: ${processor} is shut down`,
    );
    this.method = method;
    this.accepted = accepted;
  }
}

/** The job waited longer than its `timeout` and has not begun. */
export class JobTimeoutError extends Error {
  /** Always `JobTimeoutError`. */
  override readonly name = "JobTimeoutError";
  /** The method that was requested. */
  readonly method: string;
  /** How long it waited, in milliseconds. */
  readonly waited: number;

  /** Builds the message. */
  constructor(method: string, waited: number) {
    super(`Cannot begin ${method} within ${round(waited)} ms: other jobs are still ahead`);
    this.method = method;
    this.waited = waited;
  }
}

/** The job ran longer than its `limit`. */
export class JobLimitError extends Error {
  /** Always `JobLimitError`. */
  override readonly name = "JobLimitError";
  /** The method that was requested. */
  readonly method: string;
  /** The limit that passed, in milliseconds. */
  readonly limit: number;

  /** Builds the message. */
  constructor(method: string, limit: number) {
    super(`Cannot finish ${method}: it ran longer than its limit of ${round(limit)} ms`);
    this.method = method;
    this.limit = limit;
  }
}

/** Too many of the method's last jobs have failed: no more are accepted for a while. */
export class CircuitOpenError extends Error {
  /** Always `CircuitOpenError`. */
  override readonly name = "CircuitOpenError";
  /** The method that was requested. */
  readonly method: string;
  /** In how many milliseconds one may try again; 0 while the outcome of a trial is awaited. */
  readonly retryAfter: number;

  /** Builds the message. */
  constructor(method: string, retryAfter: number) {
    super(
      retryAfter > 0
        ? `Cannot request ${method}: its circuit is open for another ${round(retryAfter)} ms`
        : `Cannot request ${method}: its circuit is open until a trial has succeeded`,
    );
    this.method = method;
    this.retryAfter = retryAfter;
  }
}

/** The Worker that was doing the job is gone. It is replaced; no other job is touched. */
export class WorkerCrashError extends Error {
  /** Always `WorkerCrashError`. */
  override readonly name = "WorkerCrashError";
  /** The method that was requested. */
  readonly method: string;
  /** The status it exited with. */
  readonly exitCode: number;

  /** Builds the message; `cause` is what nobody caught in it, if that is why it is gone. */
  constructor(method: string, exitCode: number, cause: unknown) {
    super(
      cause === undefined
        ? `Cannot finish ${method}: its Worker exited with status ${exitCode}`
        : `Cannot finish ${method}: its Worker died of ${cause}`,
      cause === undefined ? undefined : { cause },
    );
    this.method = method;
    this.exitCode = exitCode;
  }
}
