/** `FileSnapshots` on real files, in one process, and in virtual time where time matters. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { runtimes } from "../../lab/worlds/_runtimes.ts";
import { crc32, crc32ByTable } from "../../lib/_crc32.ts";
import { encodeVersion } from "../../lib/_file_version.ts";
import { Simulation } from "../../lab/worlds/simulation/mod.ts";
import {
  ChangeTimeoutError,
  ConflictError,
  CorruptError,
  FileSnapshots,
  LockTimeoutError,
  UpdateLimitError,
  type UpdateOptions,
} from "../../mod.ts";
import { Folder } from "./_folder.ts";

const limit = { timeout: 30_000 };

test("crc32() is that of zip: the check value of the catalogue of CRCs", limit, () => {
  const text = new TextEncoder();
  assert.equal(crc32(text.encode("123456789")), 0xcbf43926);
  assert.equal(crc32(text.encode("1234"), text.encode(""), text.encode("56789")), 0xcbf43926);
  assert.equal(crc32(), 0);
  // And so is the one for runtimes without their own, of any part of any memory.
  const memory = Uint8Array.from({ length: 1000 }, (_, i) => (i * i * 31) >>> 3);
  for (const [from, to] of [[0, 0], [0, 1000], [1, 4], [3, 999], [500, 501]]) {
    const piece = memory.subarray(from, to);
    assert.equal(crc32ByTable(piece, 0), crc32(piece));
    assert.equal(crc32ByTable(piece, crc32(memory)), crc32(memory, piece));
  }
});

test("FileSnapshots.read() answers the initial value until there is a file", limit, async () => {
  using folder = new Folder();
  using list = new FileSnapshots<string[]>(folder.at("deep", "er", "list"), ["a"]);
  assert.deepEqual(list.read(), { value: ["a"], epoch: 0 });
  assert.equal(existsSync(folder.at("deep")), false, "reading creates nothing");
  assert.equal(await list.update((value) => [...value, "b"]), 1);
  assert.deepEqual(list.read(), { value: ["a", "b"], epoch: 1 });
  assert.deepEqual(list.current, ["a", "b"]);
  assert.equal(list.epoch, 1);
  assert.equal(list.path, folder.at("deep", "er", "list"));
  assert.equal(statSync(folder.at("deep", "er")).mode & 0o777, 0o700);
});

test("FileSnapshots.read() gives each reader a value of its own", limit, async () => {
  using folder = new Folder();
  const initial = { tags: ["a"] };
  using object = new FileSnapshots(folder.at("object"), initial);
  initial.tags.push("not in it");
  object.current.tags.push("not in it");
  assert.deepEqual(object.current, { tags: ["a"] });
  const first = Uint8Array.of(1);
  using bytes = new FileSnapshots(folder.at("bytes"), first);
  first[0] = 9;
  bytes.current[0] = 9;
  assert.deepEqual(bytes.current, Uint8Array.of(1));
  const next = Uint8Array.of(2);
  await bytes.update(() => next);
  next[0] = 9;
  assert.deepEqual(bytes.current, Uint8Array.of(2));
});

test("FileSnapshots keeps JSON and bytes apart, and either byte for byte", limit, async () => {
  using folder = new Folder();
  using bytes = new FileSnapshots(folder.at("bytes"), new Uint8Array());
  const all = Uint8Array.from({ length: 1000 }, (_, i) => i);
  for (const value of [all, new Uint8Array(), Uint8Array.of(10, 10), all.subarray(3, 5)]) {
    await bytes.update(() => value);
    assert.deepEqual(bytes.current, value.slice());
  }
  using json = new FileSnapshots<unknown>(folder.at("json"), null);
  for (const value of [0, "line\nline \ud83d\ude00 \ufeff", [], { a: [null, true] }, null]) {
    await json.update(() => value);
    assert.deepEqual(json.current, value);
  }
  using asJson = new FileSnapshots<unknown>(folder.at("bytes"), {});
  assert.throws(() => asJson.read(), { name: "TypeError", message: /is bytes and not json$/ });
  await assert.rejects(asJson.update(() => 1), TypeError);
  assert.equal(bytes.epoch, 4);
});

test("FileSnapshots files are a line to read and the value", limit, async () => {
  using folder = new Folder();
  using total = new FileSnapshots(folder.at("total"), { sum: 1 });
  await total.update(({ sum }) => ({ sum: sum + 1 }));
  const [line, value] = readFileSync(folder.at("total"), "utf8").split("\n");
  assert.match(line, /^interlock-snapshot 1 json 1 9 [0-9a-f]{8}$/);
  assert.equal(value, '{"sum":2}');
});

test(
  "FileSnapshots.update() serializes writers of one process, whatever object they use",
  limit,
  async () => {
    using folder = new Folder();
    using one = new FileSnapshots<string[]>(folder.at("log"), []);
    using two = new FileSnapshots<string[]>(folder.at(".", "log"), []);
    const epochs = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? one : two).update(async (log, { epoch }) => {
          await null;
          assert.equal(epoch, log.length);
          return [...log, `${i}`];
        })),
    );
    assert.deepEqual(epochs, Array.from({ length: 20 }, (_, i) => i + 1));
    assert.deepEqual(one.current, Array.from({ length: 20 }, (_, i) => `${i}`));
  },
);

test(
  "FileSnapshots.update() that fails, aborts or passes its limit changes nothing",
  limit,
  async () => {
    const simulation = new Simulation();
    const [here, there] = [simulation.process(), simulation.process()];
    const snapshots = here.build(() => new FileSnapshots<unknown>("/folder/state", 0));
    const other = there.build(() => new FileSnapshots<unknown>("/folder/state", 0));
    const run = <R>(promise: Promise<R>) => simulation.finish(promise);
    const fails = (promise: Promise<unknown>, error: Parameters<typeof assert.rejects>[1]) =>
      assert.rejects(() => run(promise), error);
    const never = () => new Promise<never>(() => {});

    await run(snapshots.update(() => 1));
    const no = new Error("no");
    await fails(
      snapshots.update(() => {
        throw no;
      }),
      no,
    );
    await fails(snapshots.update(never, { limit: 50 }), UpdateLimitError);
    const controller = new AbortController();
    let heard: unknown;
    const aborted = snapshots.update((_, { signal }) => {
      signal.addEventListener("abort", () => heard = signal.reason);
      return never();
    }, { signal: controller.signal });
    await simulation.settle();
    await fails(other.update(() => 2, { timeout: 30, label: "late" }), LockTimeoutError);
    controller.abort(no);
    await fails(aborted, no);
    assert.equal(heard, no);
    for (const value of [undefined, () => {}, 1n]) {
      await fails(
        snapshots.update(() => value),
        TypeError,
      );
    }
    assert.deepEqual(other.read(), { value: 1, epoch: 1 });
    assert.equal(await run(other.update((value) => value as number + 1)), 2);
    assert.equal(here.timers + there.timers, 0);
  },
);

test("FileSnapshots.update() goes by what its options were when it was called", limit, async () => {
  using folder = new Folder();
  using state = new FileSnapshots(folder.at("state"), "old");
  const gate = Promise.withResolvers<string>();
  const running = state.update(() => gate.promise);
  const options: UpdateOptions = { limit: 60_000 };
  const update = state.update(() => "newer", options);
  Object.assign(options, { limit: 0, signal: AbortSignal.abort(new Error("no")) });
  gate.resolve("new");
  assert.deepEqual(await Promise.all([running, update]), [1, 2]);
});

test("FileSnapshots.update() refuses a late result", limit, async () => {
  using folder = new Folder();
  using state = new FileSnapshots(folder.at("state"), "old");
  const late = Promise.withResolvers<string>();
  const controller = new AbortController();
  const update = state.update(() => late.promise, { signal: controller.signal });
  await state.changed(0, { timeout: 5 }).catch(() => {});
  controller.abort(new Error("enough"));
  await assert.rejects(update, /enough/);
  await state.update(() => "new");
  late.resolve("late");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(state.read(), { value: "new", epoch: 1 });
});

test("FileSnapshots.commit() succeeds only on the version that is current", limit, async () => {
  using folder = new Folder();
  using one = new FileSnapshots(folder.at("state"), 0);
  using two = new FileSnapshots(folder.at("state"), 0);
  const base = two.read();
  assert.equal(await one.commit(0, 10), 1);
  await assert.rejects(two.commit(base, 20), (error: ConflictError) => {
    assert(error instanceof ConflictError);
    assert.deepEqual([error.base, error.current], [0, 1]);
    return true;
  });
  await assert.rejects(two.commit(2, 20), ConflictError);
  assert.equal(await two.commit(two.read(), 20), 2);
  assert.deepEqual(one.read(), { value: 20, epoch: 2 });
  for (const wrong of [-1, 1.5, NaN]) await assert.rejects(one.commit(wrong, 1), RangeError);
  for (const wrong of [null, "1", {}]) {
    await assert.rejects(one.commit(wrong as never, 1), TypeError);
  }
});

test(
  "FileSnapshots.changed() resolves with the first epoch it sees after the given one",
  limit,
  async () => {
    const simulation = new Simulation();
    const [here, there] = [simulation.process(), simulation.process()];
    const reader = here.build(() => new FileSnapshots("/state", 0));
    const writer = there.build(() => new FileSnapshots("/state", 0));
    const seen = reader.changed(0);
    await simulation.run(100);
    await simulation.finish(writer.update(() => 1));
    const committed = simulation.clock.now();
    assert.equal(await simulation.finish(seen), 1);
    assert(simulation.clock.now() - committed <= 20, "within retry.max");
    assert.equal(await simulation.finish(reader.changed(0)), 1, "at once, if it has come already");

    const late = reader.changed(1, { timeout: 50 });
    await assert.rejects(() => simulation.finish(late), (error: ChangeTimeoutError) => {
      assert(error instanceof ChangeTimeoutError);
      assert.equal(error.since, 1);
      assert(error.waited >= 50);
      assert.match(error.message, /^Cannot see a change of \/state within .* after epoch 1$/);
      return true;
    });
    const reason = new Error("enough");
    const controller = new AbortController();
    const aborted = reader.changed(1, { signal: controller.signal });
    await simulation.settle();
    controller.abort(reason);
    await assert.rejects(() => simulation.finish(aborted), reason);
    assert.equal(here.timers, 0);
    await assert.rejects(() => reader.changed(-1), RangeError);
    await assert.rejects(() => reader.changed("1" as never), TypeError);
  },
);

test(
  "CorruptError names the file and, where it can be read, the epoch; nothing is overwritten",
  limit,
  async () => {
    using folder = new Folder();
    const path = folder.at("state");
    using state = new FileSnapshots<unknown>(path, 0);
    for (let i = 1; i <= 3; i++) await state.update(() => ({ value: i }));
    const good = readFileSync(path);
    const damaged: [bytes: Uint8Array, epoch: number | undefined][] = [
      [new Uint8Array(), undefined],
      [new TextEncoder().encode("3"), undefined],
      [good.subarray(0, 10), undefined],
      [good.subarray(0, good.length - 1), 3],
      [Uint8Array.from([...good, 32]), 3],
    ];
    for (const [bytes, epoch] of damaged) {
      writeFileSync(path, bytes);
      const expected = (error: CorruptError) => {
        assert(error instanceof CorruptError);
        assert.equal(error.file, path);
        assert.equal(error.epoch, epoch);
        assert.match(error.message, /^Cannot read .*state: .*[^.]$/);
        return true;
      };
      assert.throws(() => state.read(), expected);
      assert.throws(() => state.epoch, expected);
      await assert.rejects(state.update(() => 1), expected);
      await assert.rejects(state.commit(3, 1), expected);
      await assert.rejects(state.changed(1), expected);
      assert.deepEqual(readFileSync(path), Buffer.from(bytes));
    }
    writeFileSync(path, good.subarray(0, good.length - 1));
    assert.throws(() => state.read(), /epoch 3 of .*: it has 10 bytes and should have 11$/);
    // No single bit of it can be another unnoticed, in the line or in the value.
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bytes = Uint8Array.from(good);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      writeFileSync(path, bytes);
      assert.throws(() => state.read(), CorruptError, `bit ${bit}`);
    }
    writeFileSync(path, good);
    assert.equal(await state.update(() => 4), 4);
  },
);

test("CorruptError is thrown for a value that is whole and yet no JSON", limit, () => {
  using folder = new Folder();
  const payload = new TextEncoder().encode("{");
  writeFileSync(folder.at("state"), encodeVersion({ format: "json", epoch: 5, payload }));
  const state = new FileSnapshots(folder.at("state"), 0);
  assert.throws(() => state.read(), { name: "CorruptError", epoch: 5, message: /no JSON$/ });
  assert.equal(state.epoch, 5, "it tells its epoch all the same");
});

test("FileSnapshots refuses a file of a later format by its name", limit, () => {
  using folder = new Folder();
  writeFileSync(folder.at("state"), "interlock-snapshot 2 json 7 1 00000000\n1");
  const state = new FileSnapshots(folder.at("state"), 0);
  assert.throws(() => state.read(), { name: "CorruptError", message: /format 2/, epoch: 7 });
});

test(
  "FileSnapshots creates its file with the mode it is given, and leaves two beside it",
  limit,
  async () => {
    using folder = new Folder();
    using secret = new FileSnapshots(folder.at("secret"), 0);
    using shared = new FileSnapshots(folder.at("shared"), 0, { mode: 0o640 });
    for (let i = 0; i < 2; i++) {
      await secret.update(() => 1);
      await shared.update(() => 1);
      assert.equal(statSync(folder.at("secret")).mode & 0o777, 0o600);
      assert.equal(statSync(folder.at("shared")).mode & 0o777, 0o640 & ~process.umask());
    }
    const names = (name: string) =>
      ["", ".interlock-lock", ".interlock-lock.interlock-gate"]
        .map((suffix) => name + suffix);
    assert.deepEqual(readdirSync(folder.path).sort(), [...names("secret"), ...names("shared")]);
  },
);

test("FileSnapshots replaces what a symbolic link leads to, not the link", limit, async () => {
  using folder = new Folder();
  mkdirSync(folder.at("real"));
  using real = new FileSnapshots(folder.at("real", "state"), 0);
  await real.update(() => 1);
  symlinkSync(folder.at("real", "state"), folder.at("link"));
  using link = new FileSnapshots(folder.at("link"), 0);
  assert.equal(await link.update((value) => value + 1), 2);
  assert(lstatSync(folder.at("link")).isSymbolicLink());
  assert.equal(real.current, 2);
  assert.deepEqual(readdirSync(folder.path).sort(), ["link", "real"]);
});

test("FileSnapshots refuses a link that leads nowhere, which it could only replace", limit, () => {
  using folder = new Folder();
  symlinkSync(folder.at("nothing"), folder.at("link"));
  assert.throws(() => new FileSnapshots(folder.at("link"), 0), {
    name: "TypeError",
    message: /^Cannot create file snapshots: .*link is a symbolic link that leads to no file/,
  });
});

test("FileSnapshots writes through no link that somebody has put in its way", limit, async () => {
  using folder = new Folder();
  writeFileSync(folder.at("other"), "another's");
  for (const target of ["other", "nothing"]) {
    symlinkSync(folder.at(target), folder.at("state.interlock-next"));
    using state = new FileSnapshots(folder.at("state"), 0);
    await state.update((value) => value + 1);
    assert(!lstatSync(folder.at("state")).isSymbolicLink());
  }
  assert.equal(readFileSync(folder.at("other"), "utf8"), "another's");
  assert.equal(existsSync(folder.at("nothing")), false);
});

test("FileSnapshots starts again when its file is taken away", limit, async () => {
  using folder = new Folder();
  using state = new FileSnapshots(folder.at("in", "state"), "initial");
  await state.update(() => "other");
  rmSync(folder.at("in"), { recursive: true });
  assert.deepEqual(state.read(), { value: "initial", epoch: 0 });
  assert.equal(await state.update((value) => `${value} again`), 1);
  assert.equal(state.current, "initial again");
});

test("FileSnapshots says what cannot be written, and why", limit, async () => {
  using folder = new Folder();
  writeFileSync(folder.at("file"), "");
  using state = new FileSnapshots(folder.at("file", "state"), 0);
  assert.equal(state.epoch, 0);
  await assert.rejects(state.update(() => 1), /^Error: Cannot (write|lock) .*file.state/);
  mkdirSync(folder.at("state.interlock-next"));
  using blocked = new FileSnapshots(folder.at("state"), 0);
  await assert.rejects(blocked.update(() => 1), /^Error: Cannot write .*state: /);
  assert.equal(blocked.epoch, 0);
});

test("FileSnapshots.close() ends writing, and reading goes on", limit, async () => {
  using folder = new Folder();
  const state = new FileSnapshots(folder.at("state"), 0);
  await state.update(() => 1);
  state.close();
  state.close();
  assert.equal(state.current, 1);
  await assert.rejects(state.update(() => 2), /^TypeError: Cannot lock .*state: .* closed$/);
});

test("FileSnapshots refuses what cannot be meant", limit, async () => {
  using folder = new Folder();
  const path = folder.at("state");
  for (const wrong of ["", folder.path, 7, new URL("https://example.com/")]) {
    assert.throws(() => new FileSnapshots(wrong as string, 0), TypeError);
  }
  const throws = {
    toJSON() {
      throw null;
    },
  };
  for (const wrong of [undefined, 1n, () => {}, throws]) {
    assert.throws(() => new FileSnapshots<unknown>(path, wrong), {
      name: "TypeError",
      message: /^Cannot create file snapshots: /,
    });
  }
  assert.throws(() => new FileSnapshots(path, 0, { mode: "600" as never }), TypeError);
  for (const mode of [0, 0o400, 0o1000, 384.5]) {
    assert.throws(() => new FileSnapshots(path, 0, { mode }), RangeError);
  }
  assert.throws(() => new FileSnapshots(path, 0, { retry: { max: -1 } }), RangeError);
  using state = new FileSnapshots<unknown>(path, new Uint8Array());
  await assert.rejects(state.update(7 as never), TypeError);
  await assert.rejects(state.update(() => 1, { limit: -1 }), RangeError);
  await assert.rejects(state.update(() => 1, { timeout: NaN }), RangeError);
  await assert.rejects(state.update(() => "text"), /must be a Uint8Array, got "text"$/);
  assert.equal(existsSync(path), false);
});

test(
  "FileSnapshots on Deno needs to read and write its folder, and only to read it for reading",
  limit,
  (t) => {
    const deno = runtimes().find(({ name }) => name === "deno");
    if (deno === undefined) return t.skip("Deno is not on this machine");
    using folder = new Folder();
    mkdirSync(folder.at("in"));
    const run = (allowed: readonly string[], then: string) => {
      const input = `
      import { FileSnapshots } from ${
        JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
      };
      const state = new FileSnapshots(${JSON.stringify(folder.at("in", "state"))}, 0);
      console.log(${then});
    `;
      const flags = allowed.map((what) => `--allow-${what}=${folder.at("in")}`);
      const args = ["run", "--no-prompt", ...flags, "-"];
      const { stdout, stderr } = spawnSync(deno.command, args, { input, encoding: "utf8" });
      return stdout.trim() || stderr;
    };
    assert.equal(run(["read", "write"], "await state.update((value) => value + 7)"), "1");
    assert.equal(run(["read"], "state.current"), "7");
  },
);
