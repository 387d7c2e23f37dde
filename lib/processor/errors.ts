/** Why a job was not accepted, or why it has no answer. */
import { rounded } from "../_milliseconds.ts";

/** What they have in common: which method it was that was requested. */
export class JobError extends Error {
  /** What tells one from the others. */
  override readonly name: string = "JobError";
  /** The method that was requested. */
  readonly method: string;

  /** Takes the method, and the message and the cause of an `Error`. */
  constructor(method: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.method = method;
  }
}

/** There is no handler for the method. */
export class UnknownMethodError extends JobError {
  /** Always `UnknownMethodError`. */
  override readonly name = "UnknownMethodError";

  /** Builds the message from the method and who has no handler for it. */
  constructor(method: string, processor: string) {
    super(method, `Cannot request ${method}: ${processor} has no handler for it`);
  }
}

/** The processor is shutting down: the job was refused, or was not done in time and aborted. */
export class ShutdownError extends JobError {
  /** Always `ShutdownError`. */
  override readonly name = "ShutdownError";
  /** Whether the job had been accepted, and was aborted at the end of the shutdown's `timeout`. */
  readonly accepted: boolean;

  /** Builds the message. */
  constructor(method: string, processor: string, accepted: boolean) {
    super(
      method,
      accepted
        ? `Cannot finish ${method}: ${processor} was shut down before it was done`
        : `Cannot request ${method}: ${processor} is shut down`,
    );
    this.accepted = accepted;
  }
}

/** The job waited longer than its `timeout` and has not begun. */
export class JobTimeoutError extends JobError {
  /** Always `JobTimeoutError`. */
  override readonly name = "JobTimeoutError";
  /** How long it waited, in milliseconds. */
  readonly waited: number;

  /** Builds the message. */
  constructor(method: string, waited: number) {
    super(
      method,
      `Cannot begin ${method} within ${rounded(waited)} ms: other jobs are still ahead`,
    );
    this.waited = waited;
  }
}

/** The job ran longer than its `limit`. */
export class JobLimitError extends JobError {
  /** Always `JobLimitError`. */
  override readonly name = "JobLimitError";
  /** The limit that passed, in milliseconds. */
  readonly limit: number;

  /** Builds the message. */
  constructor(method: string, limit: number) {
    super(method, `Cannot finish ${method}: it ran longer than its limit of ${rounded(limit)} ms`);
    this.limit = limit;
  }
}

/** Too many of the method's last jobs have failed: no more are accepted for a while. */
export class CircuitOpenError extends JobError {
  /** Always `CircuitOpenError`. */
  override readonly name = "CircuitOpenError";
  /** In how many milliseconds one may try again; 0 while the outcome of a trial is awaited. */
  readonly retryAfter: number;

  /** Builds the message. */
  constructor(method: string, retryAfter: number) {
    super(
      method,
      retryAfter > 0
        ? `Cannot request ${method}: its circuit is open for another ${rounded(retryAfter)} ms`
        : `Cannot request ${method}: its circuit is open until a trial has succeeded`,
    );
    this.retryAfter = retryAfter;
  }
}

/** The Worker that was doing the job is gone. It is replaced; no other job is touched. */
export class WorkerCrashError extends JobError {
  /** Always `WorkerCrashError`. */
  override readonly name = "WorkerCrashError";
  /** The status it exited with. */
  readonly exitCode: number;

  /** Builds the message; `cause` is what nobody caught in it, if that is why it is gone. */
  constructor(method: string, exitCode: number, cause: unknown) {
    super(
      method,
      cause === undefined
        ? `Cannot finish ${method}: its Worker exited with status ${exitCode}`
        : `Cannot finish ${method}: its Worker died of ${cause}`,
      cause === undefined ? undefined : { cause },
    );
    this.exitCode = exitCode;
  }
}
