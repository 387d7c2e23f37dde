/** The Host's files on real ones: what durable writes are made of. */
import assert from "node:assert/strict";
import { readFileSync, statSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { type OpenFile, systemHost } from "../../lib/_host.ts";
import { Folder } from "./_folder.ts";

const limit = { timeout: 20_000 };
const { files } = systemHost;
const bytes = (text: string) => new TextEncoder().encode(text);
const code = (name: string) => (error: unknown) => (error as { code?: string }).code === name;

function opened(path: string): OpenFile & Disposable {
  const file = files.open(path, { create: true, mode: 0o600 });
  return Object.assign(file, { [Symbol.dispose]: () => file.close() });
}

test(
  "OpenFile.write() past the end leaves zeros between, and truncate() cuts and fills",
  limit,
  () => {
    using folder = new Folder();
    using file = opened(folder.at("f"));
    file.write(bytes("ab"), 3);
    assert.equal(file.size(), 5);
    file.truncate(4);
    file.truncate(6);
    assert.deepEqual([...readFileSync(folder.at("f"))], [0, 0, 0, 97, 0, 0]);
    const buffer = new Uint8Array(10);
    assert.equal(file.read(buffer, 3), 3);
    assert.equal(file.read(buffer, 6), 0);
    assert.equal(statSync(folder.at("f")).mode & 0o777, 0o600);
  },
);

test("Files.readFile() answers a plain Uint8Array, or undefined where nothing is", limit, () => {
  using folder = new Folder();
  {
    using file = opened(folder.at("f"));
    file.write(bytes("hello"), 0);
  }
  const read = files.readFile(folder.at("f"))!;
  assert.deepEqual(read, bytes("hello"));
  assert.equal(read.constructor, Uint8Array);
  assert.equal(files.readFile(folder.at("g")), undefined);
  assert.equal(files.readFile(folder.at("f", "g")), undefined);
  assert.throws(() => files.readFile(folder.path), code("EISDIR"));
});

test("Files.list() sorts names by their code units", limit, () => {
  using folder = new Folder();
  for (const name of ["b", "B", "ä", "a10", "a9"]) opened(folder.at(name))[Symbol.dispose]();
  assert.deepEqual(files.list(folder.path), ["B", "a10", "a9", "b", "ä"]);
  assert.throws(() => files.list(folder.at("none")), code("ENOENT"));
  assert.throws(() => files.list(folder.at("b")), code("ENOTDIR"));
});

test("Files.remove() takes a file's name and leaves it to who has it open", limit, () => {
  using folder = new Folder();
  using file = opened(folder.at("f"));
  file.write(bytes("kept"), 0);
  symlinkSync(folder.at("f"), folder.at("link"));
  files.remove(folder.at("link"));
  assert.equal(files.kind(folder.at("f")), "file");
  files.remove(folder.at("f"));
  assert.equal(files.kind(folder.at("f")), undefined);
  assert.equal(file.read(new Uint8Array(9), 0), 4);
  assert.throws(() => files.remove(folder.at("f")), code("ENOENT"));
});

test("Files.remove() refuses a folder, an empty one too", limit, () => {
  using folder = new Folder();
  files.makeFolder(folder.at("empty"));
  assert.throws(() => files.remove(folder.at("empty")), code("EISDIR"));
  assert.equal(files.kind(folder.at("empty")), "folder");
});

test("Files.isLink() tells a link from what it leads to", limit, () => {
  using folder = new Folder();
  opened(folder.at("f"))[Symbol.dispose]();
  symlinkSync(folder.at("f"), folder.at("link"));
  symlinkSync(folder.at("none"), folder.at("to nothing"));
  symlinkSync(folder.path, folder.at("folder"));
  const links = ["f", "link", "to nothing", "folder", "none"].filter((name) =>
    files.isLink(folder.at(name))
  );
  assert.deepEqual(links, ["link", "to nothing", "folder"]);
  assert.equal(files.isLink(folder.at("folder", "f")), false, "links on the way are followed");
});

test("Files.syncFolder() syncs a folder, and only that", limit, () => {
  using folder = new Folder();
  opened(folder.at("f"))[Symbol.dispose]();
  files.syncFolder(folder.path);
  assert.throws(() => files.syncFolder(folder.at("f")), code("ENOTDIR"));
  assert.throws(() => files.syncFolder(folder.at("none")), code("ENOENT"));
});

test("Files.open() with exclusive creates a file or fails, and follows no link", limit, () => {
  using folder = new Folder();
  const how = { create: true, exclusive: true, mode: 0o600 };
  files.open(folder.at("f"), how).close();
  assert.equal(statSync(folder.at("f")).mode & 0o777, 0o600);
  assert.throws(() => files.open(folder.at("f"), how), code("EEXIST"));
  symlinkSync(folder.at("none"), folder.at("link"));
  assert.throws(() => files.open(folder.at("link"), how), code("EEXIST"));
});
