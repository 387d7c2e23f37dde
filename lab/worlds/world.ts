/**
 * What a scenario may use: shared objects that are the same to it at every distance.
 *
 * Each operation on them is one scheduling point. In a stepped run the actor stops before it until
 * the engine lets it go; in a free run it is carried out at once, at full speed. Whatever is not
 * declared here is private to one actor: `build` is called once for each of them.
 */
import type { OpenCall } from "../engine/history/mod.ts";
import type { LockPolicy } from "../../lib/lock.ts";
import type { ObjectKind, Shared } from "./object_kind.ts";

/** The distances a scenario can be run at. */
export const WORLD_NAMES = ["tasks", "simulation", "workers", "processes", "machines"] as const;

/** The name of a distance. */
export type WorldName = typeof WORLD_NAMES[number];

/**
 * An integer that all actors share: a variable between tasks, a word of shared memory between
 * workers, a file between processes, real or simulated, a key of a server between machines. It holds whole numbers of 32 bits.
 */
export interface Cell {
  /** What it holds now. */
  read(): Promise<number>;
  /** Puts `value` in the place of what it holds. */
  write(value: number): Promise<void>;
  /** Writes `next` if it holds `expected`, in one step; answers whether it did. */
  compareAndSet(expected: number, next: number): Promise<boolean>;
}

/** How a cell is stored. */
export interface CellOptions {
  /**
   * Whether one read and one write are atomic by construction: `Atomics` between workers, a file
   * that is replaced by renaming between processes. A plain cell is plain memory, and a file written
   * in place. Between tasks and between machines there is no difference.
   *
   * @default false
   */
  atomic?: boolean;
}

/** How to acquire a lock. */
export interface LockWait {
  /**
   * The longest wait in milliseconds; then the acquire rejects with a `LockTimeoutError`. Virtual time
   * in a stepped run, real time in a free one.
   */
  timeout?: number;
  /** Ends the wait when it is fired: the acquire then rejects with an `AbortError`. */
  signal?: Signal;
}

/** What kind of lock. */
export interface LockChoice {
  /**
   * Who enters first. Only between tasks; the locks of the other distances are fair.
   *
   * @default "fair"
   */
  policy?: LockPolicy;
  /**
   * Whether the wait that closes a circle is refused with a `DeadlockError`. Only between tasks.
   *
   * @default false
   */
  detectDeadlocks?: boolean;
}

/** Being inside a lock. */
export interface Held {
  /** Leaves; one scheduling point. Does nothing the second time. */
  release(): Promise<void>;
}

/** Being inside a lock as a reader that may become the writer. */
export interface UpgradableHeld extends Held {
  /** Becomes the writer without leaving, as soon as the other readers have left. */
  upgrade(wait?: LockWait): Promise<void>;
  /** Becomes a reader again. */
  downgrade(): Promise<void>;
}

/**
 * The library's own lock for the distance: `RwLock`, `SharedRwLock`, `FileLock` or
 * `RedisLock`. Acquiring takes two scheduling points, the request and the grant.
 */
export interface Lock {
  /** Enters together with other readers. */
  read(wait?: LockWait): Promise<Held>;
  /** Enters alone. */
  write(wait?: LockWait): Promise<Held>;
  /** Enters as a reader if that is possible at once; one scheduling point. */
  tryRead(): Promise<Held | undefined>;
  /** Enters alone if that is possible at once; one scheduling point. */
  tryWrite(): Promise<Held | undefined>;
  /**
   * The names of those who have asked for it and were not let in yet; one scheduling point. Not
   * between processes or machines, of which none knows who else waits.
   */
  waiting(): Promise<readonly string[]>;
  /**
   * Frees what a killed actor held, where the system does not by itself: between workers. One
   * scheduling point everywhere.
   */
  reap(actor: string): Promise<void>;
  /** Enters as the one reader that may become the writer. Only between tasks. */
  upgradable(wait?: LockWait): Promise<UpgradableHeld>;
  /** Runs `fn` among other readers and leaves however it ends. */
  withRead<R>(fn: () => Promise<R>, wait?: LockWait): Promise<R>;
  /** Runs `fn` alone and leaves however it ends. */
  withWrite<R>(fn: () => Promise<R>, wait?: LockWait): Promise<R>;
}

/** Messages from any actor to any other, in the order they were sent. */
export interface Channel<T> {
  /** Sends a copy of `value`. Never waits. */
  send(value: T): Promise<void>;
  /** The oldest message not yet received; waits for one. */
  receive(): Promise<T>;
}

/** A place where so many actors wait for each other; it can be used again and again. */
export interface Barrier {
  /** Waits until all have come; two scheduling points, arriving and passing. */
  wait(): Promise<void>;
}

/** A signal that one actor fires and that ends the waits of others, once and for good. */
export interface Signal {
  /** Its name. */
  readonly name: string;
  /** Fires it; one scheduling point. */
  fire(): Promise<void>;
  /** The signal itself, for code of your own that is to be aborted. Only inside actors. */
  readonly signal: AbortSignal;
}

/**
 * The time all actors share: virtual in stepped runs, where it passes only when the engine says so, and
 * real in free ones.
 */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): Promise<number>;
  /** Waits for `ms` milliseconds; two scheduling points, falling asleep and waking. */
  sleep(ms: number): Promise<void>;
}

/**
 * A file that all actors share, as the system has it: each method is one step, and no more than a few
 * calls of the system. Only in the simulation and between processes. What others may see and what
 * survives a crash is for the actors to see to: recipes such as "write aside, sync, rename, sync the
 * name" are put together from these steps.
 */
export interface SharedFile {
  /** Its name. */
  readonly name: string;
  /** All its text; `undefined` when there is no such file. */
  read(): Promise<string | undefined>;
  /** Writes over what is at `position`, in characters of ASCII; creates the file if need be. */
  write(text: string, position?: number): Promise<void>;
  /** Cuts it off at `size` bytes; creates the file if need be. @param size 0 if not given. */
  truncate(size?: number): Promise<void>;
  /** Creates it with a text unless it is there; answers whether it was created. One does, of many. */
  create(text?: string): Promise<boolean>;
  /** Waits until its data would survive a power loss. */
  sync(): Promise<void>;
  /** Waits until its name, as it is now, would survive a power loss. */
  syncName(): Promise<void>;
  /** Puts it in the place of another file, in one step, and leaves nothing in its own. */
  rename(to: SharedFile): Promise<void>;
  /** Takes its name away, if it has one; who has it open keeps the file. */
  remove(): Promise<void>;
  /** Opens it, creating it if need be. */
  open(): Promise<OpenedFile>;
}

/** A file that one actor has open: the file itself, whatever becomes of its name. */
export interface OpenedFile {
  /** Takes its flock if nobody else has it in a way that excludes that; answers whether it did. */
  tryLock(mode: "shared" | "exclusive"): Promise<boolean>;
  /** Gives the flock back. */
  unlock(): Promise<void>;
  /** Whether the name it was opened by still leads to it. */
  isCurrent(): Promise<boolean>;
  /** Closes it, which gives back its flock too. */
  close(): Promise<void>;
}

/**
 * What can happen to actors. Killing is real where actors are: SIGKILL of a process, `terminate()` of
 * a Worker; in the simulation also in the midst of an operation. Power is lost in the simulation only.
 */
export interface Crashes {
  /**
   * Kills an actor, wherever it is; one scheduling point. Its lock between processes is free at once,
   * between machines when its lease has passed, between workers only when it is reaped. An actor that has ended is left alone.
   */
  kill(actor: string): Promise<void>;
  /**
   * Cuts the power: kills every actor that is under way, this one excepted, and leaves a disk on which
   * of all that was not synced something may have survived. What does is for the engine to choose.
   */
  losePower(): Promise<void>;
  /**
   * Waits until there was a crash, or until all who do not wait here have ended without one. An actor
   * that begins with this wait is started afterwards, on the disk that is left.
   */
  after(): Promise<void>;
}

/**
 * The calls that actors record, to be checked against the variant's `model`. Recording takes no
 * scheduling point: a call begins where it is invoked and ends where it returns, between the steps it
 * is made of. A call of a killed actor stays open, as does one that throws.
 */
export interface Calls {
  /**
   * Records one call around `perform`.
   *
   * @param name What is called, as the model names it.
   * @param input What it is called with. Plain data.
   * @param perform Carries it out; what it answers is the call's output.
   * @param object What it is called on, if there are several objects.
   */
  call<R>(name: string, input: unknown, perform: () => Promise<R>, object?: unknown): Promise<R>;
  /**
   * A call begins; to be told how it ended. For calls of which an error proves that they had no
   * effect, or whose output is not what is to be checked.
   */
  invoke(name: string, input?: unknown, object?: unknown): OpenCall;
}

/** Where an actor's shared objects come from. Each object is declared once, by a name of its own. */
export interface World {
  /** A shared integer. */
  cell(name: string, initial: number, options?: CellOptions): Cell;
  /** A shared lock. */
  lock(name: string, choice?: LockChoice): Lock;
  /** A shared channel. */
  channel<T>(name: string): Channel<T>;
  /** A barrier for `parties` actors. */
  barrier(name: string, parties: number): Barrier;
  /** A signal that ends waits. */
  signal(name: string): Signal;
  /** The shared time. */
  clock(name: string): Clock;
  /** A shared file, which holds a text at first or is not there. */
  file(name: string, initial?: string): SharedFile;
  /** What can happen to actors. */
  crash(name: string): Crashes;
  /**
   * Anything else that actors share, as its kind is shared at each distance: what comes with the lab,
   * or your own. Each call of one of its operations is a step, and a second one when it had to wait
   * for other actors.
   */
  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): Shared<T, K>;
  /** The calls of this run. */
  calls(): Calls;
  /**
   * An object of your own that all actors share: one for each run, made when the first actor asks for
   * it. Give it its dependencies from the `world` that `make` is handed: what it then does is counted
   * as a step of whichever actor called it. Only between tasks.
   */
  shared<T extends object>(name: string, make: (world: World) => T): T;
  /**
   * A step of your own: the function that is answered waits for its turn, then does what `perform`
   * does and answers as it does. Only between tasks.
   *
   * @param object What it touches, by a name of your own.
   * @param kind What it does, in a word.
   * @param perform Does it, at once.
   */
  operation<A extends unknown[], R>(
    object: string,
    kind: "read" | "write",
    perform: (...args: A) => R,
  ): (...args: A) => Promise<R>;
}
