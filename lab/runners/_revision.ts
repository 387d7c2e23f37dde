/**
 * Revisions of a project: what the working folder has, and what git has of another one, checked out
 * aside. A checkout goes when it is disposed of, and also when the program ends before that, by ^C say.
 */
import { makeTempDir } from "@std/fs/unstable-make-temp-dir";
import { removeSync } from "@std/fs/unstable-remove";
import { spawnSync } from "node:child_process";
import { isAbsolute, join, relative, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Revision } from "../reports/baseline.ts";
import { runtimes } from "../worlds/_runtimes.ts";
import { UsageError } from "../worlds/mod.ts";
import { ended, startChild } from "./_block.ts";

/** How often git is asked to forget a checkout, should it be ended while it does. */
const FORGETTING = 3;

interface GitAnswer {
  /** What it printed; `undefined` when it failed. */
  readonly out: string | undefined;
  /** What it complained of. */
  readonly err: string;
}

function git(folder: string, ...args: string[]): GitAnswer {
  const { status, stdout, stderr, error } = spawnSync("git", args, {
    cwd: folder,
    encoding: "utf8",
  });
  if (error !== undefined) return { out: undefined, err: `git does not start: ${error.message}` };
  return { out: status === 0 ? stdout.trim() : undefined, err: stderr.trim() };
}

/** What git says of the revision in a folder; nothing outside a repository, or before its first commit. */
export function revisionOf(folder: string): Revision | undefined {
  const commit = git(folder, "rev-parse", "--verify", "--quiet", "HEAD").out;
  if (commit === undefined) return undefined;
  return { commit, dirty: git(folder, "status", "--porcelain", ".").out !== "" };
}

/** Whether there is such a file. */
export async function isFile(path: string): Promise<boolean> {
  // Bun notices that there is none when it reads.
  return await fetch(pathToFileURL(path)).then((response) => response.arrayBuffer())
    .then(() => true, () => false);
}

/** A revision that is checked out aside. */
export class Checkout implements Disposable {
  /** The folder in it that is the working folder here. */
  readonly folder: string;
  /** What it is. */
  readonly revision: Revision;
  readonly #root: string;
  readonly #from: string;
  readonly #leave = () => this.#remove();

  private constructor(from: string, root: string, prefix: string, commit: string) {
    this.folder = join(root, prefix);
    this.revision = { commit, dirty: false };
    this.#root = root;
    this.#from = from;
    process.once("exit", this.#leave);
  }

  /**
   * Checks a revision out.
   *
   * @param folder The working folder, in a repository.
   * @param ref What git knows it by.
   * @throws {UsageError} when that cannot be
   */
  static async create(folder: string, ref: string): Promise<Checkout> {
    const refuse = (why: string) => new UsageError(`Cannot compare with ${ref}: ${why}`);
    const prefix = git(folder, "rev-parse", "--show-prefix");
    if (prefix.out === undefined) {
      throw refuse(
        prefix.err.startsWith("git does not start")
          ? prefix.err
          : "this folder is in no git repository",
      );
    }
    const commit = git(
      folder,
      ...["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`],
    ).out;
    if (commit === undefined) throw refuse("git knows no such revision");
    const root = await makeTempDir({ prefix: "interlock-bench-" });
    const checkout = new Checkout(folder, root, prefix.out, commit);
    const added = git(
      folder,
      ...["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", root, commit],
    );
    if (added.out === undefined) {
      checkout[Symbol.dispose]();
      throw refuse(added.err);
    }
    return checkout;
  }

  /** Where in it a file is that has this path from the working folder; nothing outside of the repository. */
  at(path: string): string | undefined {
    const there = resolve(this.folder, path);
    const inside = relative(this.#root, there);
    return isAbsolute(inside) || inside.split(/[/\\]/)[0] === ".." ? undefined : there;
  }

  /** Installs what it needs, where a manifest says that it needs something. */
  async install(): Promise<void> {
    const [{ name, command }] = runtimes();
    const manifests = name === "deno"
      ? ["deno.json", "deno.jsonc", "package.json"]
      : ["package.json"];
    const places = new Set([this.folder, this.#root]);
    const found = await Promise.all(
      [...places].flatMap((place) => manifests.map((file) => isFile(join(place, file)))),
    );
    if (!found.includes(true)) return;
    const child = startChild(command, ["install"], this.folder);
    child.stdin.end();
    const { good, how } = await ended(child);
    if (good) return;
    const { commit } = this.revision;
    throw new UsageError(`Cannot install ${commit.slice(0, 10)}: ${name} install ${how}`);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#leave);
    this.#remove();
  }

  /**
   * Synchronous, for there is no other way once the program is ending. Whoever types ^C a second time
   * ends git with it: so the folder is removed here, and git asked again to forget it.
   */
  #remove(): void {
    try {
      removeSync(this.#root, { recursive: true });
    } catch {
      // It was never made, or there is something in it that cannot be removed; git says no more of that.
    }
    for (let tries = 0; tries < FORGETTING; tries++) {
      if (git(this.#from, "worktree", "remove", "--force", this.#root).out !== undefined) return;
    }
  }
}
