/**
 * Simulated files against real ones: whatever processes do with them, both answer the same, down to
 * the codes of their errors.
 */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type Files, type OpenFile, Simulation } from "../../../../lab/worlds/simulation/mod.ts";
import { systemHost } from "../../../../lib/_host.ts";
import { checkProperty } from "../../../_property.ts";
import { runs } from "../../../_runs.ts";
import { Folder } from "../../../lib/_folder.ts";

const FILE = "tests/lab/worlds/simulation/files_differential_test.ts";

const name = fc.constantFrom("a", "b", "c");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join("/")}`);
const shallow = name.map((name) => `/${name}`);
const which = fc.nat({ max: 5 });
const position = fc.nat({ max: 40 });
const of = <T>(value: T) => fc.constant(value);

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ do: of("open"), path, create: fc.boolean() },
      exclusive: fc.option(fc.boolean(), { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: of("open"), path: shallow, create: of(true) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: of("open"), path, create: of(false), readOnly: of(true) }),
  },
  { weight: 6, arbitrary: fc.record({ do: of("write"), which, position, length: position }) },
  { weight: 3, arbitrary: fc.record({ do: of("read"), which, position, length: position }) },
  { weight: 3, arbitrary: fc.record({ do: of("truncate"), which, size: position }) },
  { weight: 2, arbitrary: fc.record({ do: of("size"), which }) },
  { weight: 2, arbitrary: fc.record({ do: of("sync"), which }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: of("lock"),
      which,
      mode: fc.constantFrom("shared" as const, "exclusive" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: of("unlock"), which }) },
  { weight: 2, arbitrary: fc.record({ do: of("close"), which }) },
  { weight: 5, arbitrary: fc.record({ do: of("rename"), path, to: path }) },
  { weight: 3, arbitrary: fc.record({ do: of("remove"), path }) },
  { weight: 5, arbitrary: fc.record({ do: of("makeFolder"), path }) },
  { weight: 2, arbitrary: fc.record({ do: of("syncFolder"), path }) },
  { weight: 2, arbitrary: fc.record({ do: of("list"), path }) },
  { weight: 3, arbitrary: fc.record({ do: of("readFile"), path }) },
  { weight: 2, arbitrary: fc.record({ do: of("realPath"), path }) },
  { weight: 2, arbitrary: fc.record({ do: of("kind"), path }) },
  { weight: 2, arbitrary: fc.record({ do: of("isLink"), path }) },
  { weight: 2, arbitrary: fc.record({ do: of("link"), path, to: path }) },
);

type Fields = Partial<
  {
    path: string;
    to: string;
    which: number;
    position: number;
    length: number;
    size: number;
    readOnly: boolean;
  }
>;
type Command = Fields & {
  do: string;
  create?: boolean;
  exclusive?: boolean;
  mode?: "shared" | "exclusive";
};

/** One side: its files, where its root is, and what it has open. */
interface Side {
  readonly files: Files;
  readonly root: string;
  readonly opened: OpenFile[];
  link(target: string, path: string): void;
}

const pattern = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed) % 255 + 1);

/** Carries a command out; answers what came of it, in terms that both sides share. */
function carryOut(side: Side, command: Command, turn: number): unknown {
  const { files, root, opened } = side;
  const { path = "", to = "", position = 0, length = 0, size = 0 } = command;
  const at = (path: string) => root + path;
  const file = opened[(command.which ?? 0) % Math.max(1, opened.length)];
  if (command.which !== undefined && file === undefined) return "nothing is open";
  switch (command.do) {
    case "open":
      return void opened.push(files.open(at(path), {
        create: command.create!,
        exclusive: command.exclusive,
        readOnly: command.readOnly,
        mode: 0o600,
      }));
    case "write":
      return file.write(pattern(length, turn), position);
    case "read": {
      const buffer = new Uint8Array(length);
      return [file.read(buffer, position), [...buffer]];
    }
    case "truncate":
      return file.truncate(size);
    case "size":
      return file.size();
    case "sync":
      return file.sync();
    case "lock":
      return file.tryLock(command.mode!);
    case "unlock":
      return file.unlock();
    case "close":
      opened.splice(opened.indexOf(file), 1);
      return file.close();
    case "rename":
      return files.rename(at(path), at(to));
    case "remove":
      return files.remove(at(path));
    case "makeFolder":
      return files.makeFolder(at(path), 0o700);
    case "syncFolder":
      return files.syncFolder(at(path));
    case "list":
      return files.list(at(path));
    case "readFile":
      return [...files.readFile(at(path)) ?? "none"];
    case "realPath":
      return files.realPath(at(path)).slice(root.length);
    case "kind":
      return files.kind(at(path));
    case "isLink":
      return files.isLink(at(path));
    case "link":
      return side.link(at(to), at(path));
  }
  throw new Error(`no such command: ${command.do}`);
}

/** What a command came to: its answer, or the code of its error. */
function outcome(side: Side, command: Command, turn: number): unknown {
  try {
    return { answer: carryOut(side, command, turn) };
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) throw error;
    // Where a link to nothing is in the way Deno says EEXIST and Bun ENOENT.
    const either = command.do === "makeFolder" && (code === "EEXIST" || code === "ENOENT");
    return { code: either ? "EEXIST or ENOENT" : code };
  }
}

const NAMES = ["a", "b", "c"];
const PATHS = NAMES.flatMap((a) => [`/${a}`, ...NAMES.map((b) => `/${a}/${b}`)]);

/** Which of the open files and paths are one file: for each the first that is the same. */
function identities({ files, root, opened }: Side): unknown[] {
  const ids = PATHS.map((path) => {
    try {
      return files.identify(root + path);
    } catch (error) {
      return (error as { code?: string }).code;
    }
  });
  const all = [...opened.map(({ id }) => id), ...ids];
  return all.map((id) =>
    typeof id !== "object"
      ? id
      : all.findIndex((other) => typeof other === "object" && other.ino === id.ino)
  );
}

/** Everything below a folder. */
function contents(files: Files, path: string): unknown {
  return files.list(path === "" ? "/" : path).map((name) => {
    const inside = `${path}/${name}`;
    try {
      const kind = files.kind(inside);
      // What links lead to is seen where it is.
      if (files.realPath(inside) !== inside) return [name, "link"];
      return [name, kind === "folder" ? contents(files, inside) : files.readFile(inside)];
    } catch (error) {
      return [name, (error as { code?: string }).code];
    }
  });
}

/** Gives the same commands to both, and compares what they answer and what is there then. */
function compare(commands: readonly Command[], seen: Set<string>): void {
  using folder = new Folder();
  const simulation = new Simulation({ blockSize: 8 });
  const simulated: Side = {
    files: simulation.process().files,
    root: "",
    opened: [],
    link: (target, path) => simulation.symlink(target, path),
  };
  const real: Side = {
    files: systemHost.files,
    root: folder.path,
    opened: [],
    link: symlinkSync,
  };
  try {
    commands.forEach((command, turn) => {
      const expected = outcome(real, command, turn);
      assert.deepEqual(outcome(simulated, command, turn), expected, `command ${turn}`);
      assert.deepEqual(identities(simulated), identities(real), `after command ${turn}`);
      seen.add(`${command.do} ${(expected as { code?: string }).code ?? ""}`);
    });
    assert.deepEqual(contents(simulated.files, ""), contents(real.files, folder.path));
  } finally {
    for (const file of real.opened) file.close();
  }
}

const makeFolder = (path: string): Command => ({ do: "makeFolder", path });
const create = (path: string): Command => ({ do: "open", path, create: true });
const rename = (path: string, to: string): Command => ({ do: "rename", path, to });
const isLink = (path: string): Command => ({ do: "isLink", path });
const link = (path: string, to: string): Command => ({ do: "link", path, to });

test("simulated files answer as real ones do where random commands seldom come", {
  timeout: 20_000,
}, () => {
  const corners: Command[][] = [
    // Into the place of a folder it is in, into itself, onto itself.
    [makeFolder("/a"), create("/a/b"), rename("/a/b", "/a")],
    [makeFolder("/a/b"), rename("/a/b", "/a")],
    [makeFolder("/a/b"), rename("/a", "/a/b/c")],
    [makeFolder("/a"), rename("/a", "/a")],
    [create("/a"), rename("/a", "/a"), { do: "close", which: 0 }],
    // Links are not followed by a rename, and a file is created where one leads to nothing yet.
    [create("/a"), link("/b", "/a"), rename("/b", "/c"), rename("/a", "/c")],
    [link("/a", "/b"), create("/a")],
    [makeFolder("/a"), link("/b", "/a"), makeFolder("/b/c"), { do: "realPath", path: "/b/c" }],
    // To nothing, to a folder, and on the way.
    [link("/a", "/b"), isLink("/a"), makeFolder("/b/c"), isLink("/a"), isLink("/a/c")],
    [link("/a", "/a"), isLink("/a"), isLink("/b"), create("/c"), isLink("/c"), isLink("/c/a")],
    // An inode whose number may be used again.
    [create("/a"), { do: "close", which: 0 }, { do: "remove", path: "/a" }, create("/b")],
    [create("/a"), { do: "remove", path: "/a" }, create("/a")],
  ];
  for (const commands of corners) compare(commands, new Set());
});

test("simulated files answer as real ones do, whatever is done with them", {
  timeout: runs(120_000, 1_200_000),
}, async () => {
  const seen = new Set<string>();
  await checkProperty(
    fc.property(fc.array(command, { maxLength: 80, size: "max" }), (commands) => {
      compare(commands, seen);
    }),
    FILE,
  );
  // The commands do reach what is compared.
  for (
    const expected of [
      "rename ",
      "rename ENOENT",
      "rename ENOTDIR",
      "rename EISDIR",
      "rename EINVAL",
      "rename ENOTEMPTY",
      "open ENOENT",
      "open EISDIR",
      "open ENOTDIR",
      "open ELOOP",
      "open EEXIST",
      "write EBADF",
      "truncate EINVAL",
      "makeFolder ",
      "makeFolder EEXIST or ENOENT",
      "makeFolder ENOTDIR",
      "remove ",
      "remove EISDIR",
      "link ",
      "realPath ",
      "isLink ",
      "lock ",
      "readFile EISDIR",
      "list ENOTDIR",
    ]
  ) assert(seen.has(expected), `never came to: ${expected}`);
});
