/**
 * One flock with a second one, the gate, before it: what makes waiting fair between processes.
 *
 * Whoever wants the lock takes the gate first, in the same mode, then the lock, then leaves the
 * gate. A process that has to wait for the lock keeps the gate meanwhile, and so nobody else can
 * pass: it waits for those inside and for no one who came after it. Readers share the gate as they
 * share the lock, so those kept out by one writer enter together after it. `held` tells what this
 * process has of the lock, `#atGate` whether it has the gate; both change only in the lines that
 * make the system call.
 *
 * The gate is a file beside the lock file, `<real path>.interlock-gate`. The reasons:
 *
 * - It must be another inode, for a flock has only one state an inode, and record locks, which
 *   would lock a second range of the same file, are out of Deno's reach.
 * - All who name the lock file must find the same gate. The real path takes symbolic links and
 *   relative paths away; other paths to the *folder* (a bind mount, another letter case) lead to
 *   the same file in it. Only a hard link by another name has another gate: the lock still
 *   excludes, for that is the inode's, but the bound on waiting does not reach across the names.
 * - A place for all gates named by device and inode, such as the folder for temporary files, would
 *   mend that and cost more: it differs between users, services and containers that share the lock
 *   file, and whoever may write there could shut the gates of others. Beside the lock file, the
 *   folder's own permissions apply.
 *
 * Like the lock file it is created with mode 0600 and never unlinked. Should someone else remove
 * it, two processes may wait at two gates and take turns less fairly until they notice, which they
 * do when they next wait or after 64 passes; mutual exclusion does not depend on it.
 */
import { fileError, GATE_SUFFIX, LOCK_FILE_MODE } from "./_file_path.ts";
import type { FileId, Files, OpenFile } from "./_host.ts";
import type { LockMode } from "./lock.ts";

const MODES = { read: "shared", write: "exclusive" } as const;

/** Passing the gate takes microseconds, so one who finds it shut asks this often at once. */
const GLANCES = 8;

/** After so many passes a process looks whether its gate is still the one at its path. */
const PASSES_UNCHECKED = 64;

/** Whether two identities are one file. */
export function sameFile(a: FileId | undefined, b: FileId): boolean {
  return a !== undefined && a.ino === b.ino && a.dev === b.dev;
}

/** flock, asked again a few times at once: the one in the way may be only passing. */
export function tryBriefly(file: OpenFile, mode: LockMode): boolean {
  for (let glance = 0; glance < GLANCES; glance++) {
    if (file.tryLock(MODES[mode])) return true;
  }
  return false;
}

/** A lock file and its gate, as one process has them open. */
export class GatedFile {
  /** How this process holds the lock; `undefined` when it does not. */
  held: LockMode | undefined = undefined;

  readonly #files: Files;
  readonly #file: OpenFile;
  readonly #path: string;
  #gate: OpenFile;
  #atGate = false;
  #passes = 0;

  /** Takes over `file`, which is open at the real path `path`, and opens the gate beside it. */
  constructor(files: Files, file: OpenFile, path: string) {
    this.#files = files;
    this.#file = file;
    this.#path = path;
    this.#gate = this.#openGate();
  }

  /** Which file is locked. */
  get id(): FileId {
    return this.#file.id;
  }

  /** Whether this process holds the gate, and so is the next one in. */
  get atGate(): boolean {
    return this.#atGate;
  }

  /**
   * Passes the gate and takes the lock, unless someone is in the way. Then the gate is kept if it
   * was had: call again, or `leaveGate()`. Not to be called while the lock is held.
   */
  tryEnter(mode: LockMode): boolean {
    if (!this.#atGate) {
      if (++this.#passes > PASSES_UNCHECKED) this.checkGate();
      if (!tryBriefly(this.#gate, mode)) return false;
      this.#atGate = true;
    }
    if (!tryBriefly(this.#file, mode)) return false;
    this.held = mode;
    this.leaveGate();
    return true;
  }

  /** Lets others pass the gate. */
  leaveGate(): void {
    if (!this.#atGate) return;
    this.#atGate = false;
    this.#gate.unlock();
  }

  /** Gives the lock back. */
  release(): void {
    this.held = undefined;
    this.#file.unlock();
  }

  /** Whether another process waits for the lock that this one holds: then it holds the gate. */
  othersWait(): boolean {
    this.checkGate();
    if (!tryBriefly(this.#gate, "write")) return true;
    this.#gate.unlock();
    return false;
  }

  /** Turns to the gate that is now at its path, if that is another than the one open. */
  checkGate(): void {
    this.#passes = 0;
    if (sameFile(this.#files.identify(this.#path + GATE_SUFFIX), this.#gate.id)) return;
    // Gone with its folder, the lock file is gone too, which its user will notice.
    if (this.#files.identify(this.#path) === undefined) return;
    const gate = this.#openGate();
    this.#gate.close();
    this.#gate = gate;
    this.#atGate = false;
  }

  /** Closes both files, which gives back whatever is held. */
  close(): void {
    this.held = undefined;
    this.#atGate = false;
    this.#gate.close();
    this.#file.close();
  }

  #openGate(): OpenFile {
    const gate = this.#path + GATE_SUFFIX;
    try {
      return this.#files.open(gate, { create: true, mode: LOCK_FILE_MODE });
    } catch (error) {
      throw fileError(this.#path, gate, error);
    }
  }
}
