import type { ObjectKind } from "./object_kind.ts";
import { SharedText } from "./_shared_text.ts";
import { TextFolder } from "./_text_folder.ts";

/** A map whose keys are read and written each by itself. */
export interface SharedMap<V> {
  /** What a key has; `undefined` when there is no such key. */
  get(key: string): V | undefined;
  /** Sets a key. */
  set(key: string, value: V): void;
  /** Takes a key away; answers whether it was there. */
  delete(key: string): boolean;
  /** The keys there are, sorted. */
  keys(): string[];
}

/**
 * A map of plain data that actors share. Each operation on it is atomic and concerns one key, or the
 * list of keys; what takes two of them is a race.
 *
 * @param initial What is in it at first.
 */
export function map<V>(
  initial: Readonly<Record<string, V>> = {},
): ObjectKind<SharedMap<V>, "get" | "set" | "delete" | "keys"> {
  return {
    operations: { get: "read", set: "write", delete: "write", keys: "read" },
    tasks: () => overMap(new Map(Object.entries(structuredClone(initial)))),
    workers: {
      create: () => SharedText.create(JSON.stringify(Object.entries(initial))),
      attach: (memory: SharedArrayBuffer) => overText<V>(new SharedText(memory)),
    },
    files: (folder) => overFolder(new TextFolder(folder), initial),
  };
}

function overMap<V>(entries: Map<string, V>): SharedMap<V> {
  return {
    get: (key) => structuredClone(entries.get(key)),
    set: (key, value) => void entries.set(key, structuredClone(value)),
    delete: (key) => entries.delete(key),
    keys: () => [...entries.keys()].sort(),
  };
}

function overText<V>(shared: SharedText): SharedMap<V> {
  const entries = (text: string) => new Map<string, V>(JSON.parse(text));
  const change = <R>(fn: (entries: Map<string, V>) => R): R => {
    let result!: R;
    shared.change((text) => {
      const all = entries(text);
      result = fn(all);
      return JSON.stringify([...all]);
    });
    return result;
  };
  return {
    get: (key) => entries(shared.read()).get(key),
    set: (key, value) => change((all) => void all.set(key, value)),
    delete: (key) => change((all) => all.delete(key)),
    keys: () => [...entries(shared.read()).keys()].sort(),
  };
}

/** One file a key, and one that says that the first of them have been made. */
function overFolder<V>(texts: TextFolder, initial: Readonly<Record<string, V>>): SharedMap<V> {
  if (texts.read("MADE") === undefined) {
    for (const [key, value] of Object.entries(initial)) {
      texts.write(nameOf(key), JSON.stringify(value));
    }
    texts.write("MADE", "");
  }
  return {
    get: (key) => {
      const text = texts.read(nameOf(key));
      return text === undefined ? undefined : JSON.parse(text);
    },
    set: (key, value) => texts.write(nameOf(key), JSON.stringify(value)),
    delete: (key) => texts.remove(nameOf(key)),
    keys: () =>
      texts.names().filter((name) => name.startsWith("=")).map((name) =>
        decodeURIComponent(name.slice(1))
      ).sort(),
  };
}

/** A name for a key's file that no other key has, and nothing else. */
function nameOf(key: string): string {
  return `=${encodeURIComponent(key).replaceAll("*", "%2A")}`;
}
