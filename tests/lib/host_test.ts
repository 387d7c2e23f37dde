/** The Host port, and the runtime's side of it. */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { currentHost, type Host, systemHost, withHost } from "../../lib/_host.ts";
import { Folder } from "./_folder.ts";

const limit = { timeout: 10_000 };
const { files } = systemHost;

test("OpenFile.tryLock() shares, excludes, and tells no from an error", limit, () => {
  using folder = new Folder();
  const path = folder.at("lock");
  const open = () => files.open(path, { create: true, mode: 0o600 });
  const [a, b] = [open(), open()];
  assert.equal(a.tryLock("shared"), true);
  assert.equal(b.tryLock("shared"), true);
  assert.equal(b.tryLock("exclusive"), false);
  a.unlock();
  assert.equal(b.tryLock("exclusive"), true);
  assert.equal(a.tryLock("shared"), false, "two opens of one process exclude each other");
  assert.equal(b.tryLock("exclusive"), true, "having it, one gets it again");
  b.close();
  assert.equal(a.tryLock("exclusive"), true, "closing frees");
  a.close();
  assert.throws(() => a.tryLock("shared"));
  assert.throws(() => a.unlock());
});

test("OpenFile.tryLock() that fails to convert drops what was held", limit, () => {
  using folder = new Folder();
  const open = () => files.open(folder.at("lock"), { create: true });
  const [a, b, c] = [open(), open(), open()];
  assert(a.tryLock("shared") && b.tryLock("shared"));
  assert.equal(a.tryLock("exclusive"), false);
  b.unlock();
  assert.equal(c.tryLock("exclusive"), true, "the share of the one that failed is gone");
  for (const file of [a, b, c]) file.close();
});

test("OpenFile reads and writes at positions", limit, () => {
  using folder = new Folder();
  const file = files.open(folder.at("data"), { create: true, mode: 0o600 });
  const bytes = new TextEncoder().encode("0123456789");
  file.write(bytes, 5);
  file.write(bytes.subarray(0, 5), 0);
  file.sync();
  const buffer = new Uint8Array(20);
  assert.equal(file.read(buffer, 3), 12);
  assert.equal(new TextDecoder().decode(buffer.subarray(0, 12)), "340123456789");
  assert.equal(file.read(buffer, 100), 0);
  file.close();
});

test(
  "Files.open() creates with the mode, in no missing folder, and tells why it cannot",
  limit,
  () => {
    using folder = new Folder();
    files.open(folder.at("new"), { create: true, mode: 0o600 }).close();
    assert.equal(statSync(folder.at("new")).mode & 0o777, 0o600);
    files.open(folder.at("new"), { create: true, mode: 0o666 }).close();
    assert.equal(statSync(folder.at("new")).mode & 0o777, 0o600);
    const code = (path: string, create: boolean, code: string) =>
      assert.throws(() => files.open(path, { create }), { code });
    code(folder.at("missing"), false, "ENOENT");
    code(folder.at("missing", "file"), true, "ENOENT");
    code(folder.at("new", "file"), true, "ENOTDIR");
    code(folder.path, true, "EISDIR");
  },
);

test("Files.identify() tells one file from another, whatever leads to it", limit, () => {
  using folder = new Folder();
  const path = folder.at("file");
  writeFileSync(path, "");
  writeFileSync(folder.at("other"), "");
  linkSync(path, folder.at("hard"));
  symlinkSync(path, folder.at("soft"));
  const file = files.open(path, { create: false });
  const same = (name: string) => {
    const { dev, ino } = files.identify(folder.at(name))!;
    return dev === file.id.dev && ino === file.id.ino;
  };
  assert.deepEqual(["file", "hard", "soft", "other"].map(same), [true, true, true, false]);
  assert.equal(files.identify(folder.at("missing")), undefined);
  assert.equal(files.identify(join(path, "inside")), undefined);
  files.rename(folder.at("other"), path);
  assert.deepEqual(["file", "hard"].map(same), [false, true]);
  file.close();
});

test("Files tells kinds and real paths, resolves and makes folders", limit, () => {
  using folder = new Folder();
  files.makeFolder(folder.at("a", "b", "c"), 0o700);
  files.makeFolder(folder.at("a", "b"), 0o700);
  assert.equal(statSync(folder.at("a", "b")).mode & 0o777, 0o700);
  mkdirSync(folder.at("d"));
  writeFileSync(folder.at("d", "file"), "");
  symlinkSync(folder.at("d"), folder.at("link"));
  const kinds = [folder.at("d", "file"), folder.at("link"), "/dev/null", folder.at("x")];
  assert.deepEqual(kinds.map((path) => files.kind(path)), ["file", "folder", "other", undefined]);
  assert.equal(files.realPath(folder.at("link", "file")), folder.at("d", "file"));
  assert.throws(() => files.realPath(folder.at("link", "missing")), { code: "ENOENT" });
  assert.equal(files.resolve("a/../b"), join(process.cwd(), "b"));
  assert.equal(files.resolve(pathToFileURL(folder.at("a b"))), folder.at("a b"));
  assert.equal(files.folderOf(folder.at("d", "file")), folder.at("d"));
});

test(
  "systemHost keeps time, draws numbers, and forgets timers that are cleared",
  limit,
  async () => {
    const since = systemHost.now();
    let fired = 0;
    const cleared = systemHost.setTimer(() => fired++, 1);
    systemHost.clearTimer(cleared);
    await new Promise<void>((resolve) => void systemHost.setTimer(resolve, 5));
    assert.equal(fired, 0);
    assert(systemHost.now() - since >= 4);
    const drawn = systemHost.random();
    assert(drawn >= 0 && drawn < 1);
  },
);

test("withHost() makes a host current for one call, however the call ends", limit, () => {
  const host: Host = {
    now: () => 1,
    timeOrigin: 0,
    setTimer: () => undefined,
    clearTimer: () => {},
    random: () => 0,
    files,
  };
  assert.equal(currentHost(), systemHost);
  assert.equal(withHost(host, () => withHost(systemHost, currentHost)), systemHost);
  assert.equal(withHost(host, currentHost), host);
  assert.throws(() =>
    withHost(host, () => {
      throw new Error("boom");
    }), /boom/);
  assert.equal(currentHost(), systemHost);
});
