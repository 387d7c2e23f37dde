import type { ObjectKind } from "./object_kind.ts";
import { SharedText } from "./_shared_text.ts";
import { TextFolder } from "./_text_folder.ts";

/** A value that is read and replaced whole. */
export interface SharedValue<T> {
  /** A copy of what it is now. */
  get(): T;
  /** Puts a copy of `value` in its place. */
  set(value: T): void;
}

/**
 * A value of plain data that actors share, which is read and replaced whole: a variable between
 * tasks, text in shared memory between workers, a file that is renamed into place between processes.
 * Reading is one step and replacing another, so changing it by both is a race.
 *
 * @param initial What it is at first.
 */
export function value<T>(initial: T): ObjectKind<SharedValue<T>, "get" | "set"> {
  const text = JSON.stringify(initial);
  const over = (read: () => string, write: (text: string) => void): SharedValue<T> => ({
    get: () => JSON.parse(read()),
    set: (value) => write(JSON.stringify(value)),
  });
  return {
    operations: { get: "read", set: "write" },
    tasks: () => {
      let now = text;
      return over(() => now, (next) => now = next);
    },
    workers: {
      create: () => SharedText.create(text),
      attach: (memory: SharedArrayBuffer) => {
        const shared = new SharedText(memory);
        return over(() => shared.read(), (next) => void shared.change(() => next));
      },
    },
    files: (folder) => {
      const texts = new TextFolder(folder);
      return over(() => texts.read("value") ?? text, (next) => texts.write("value", next));
    },
  };
}
