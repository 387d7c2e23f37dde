/** Where a report goes, and what is there already. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { writeReport } from "../../../lab/runners/report.ts";
import { findScenario } from "../../../lab/scenarios/mod.ts";
import { Folder } from "../../lib/_folder.ts";

const timeout = 60_000;

const write = (out: string, tried: string[] = []) =>
  writeReport(
    [findScenario("lost-update")],
    { out, worlds: ["tasks"], time: 0, command: "deno task lab report" },
    { trying: (_done, _total, what) => tried.push(what) },
  );

test(
  "writeReport() leaves what else is in its folder, and replaces a report",
  { timeout },
  async () => {
    using folder = new Folder();
    for (const name of ["notes.html", ".interlock"]) writeFileSync(folder.at(name), "mine");
    const { files } = await write(folder.path);
    assert.deepEqual(files, [folder.at("index.html"), folder.at("lost-update.html")]);
    await write(folder.path);
    assert.deepEqual(readdirSync(folder.path).sort(), [
      ...[".interlock", "index.html", "lost-update.html", "notes.html"],
    ]);
    for (const name of ["notes.html", ".interlock"]) {
      assert.equal(readFileSync(folder.at(name), "utf8"), "mine", name);
    }
  },
);

test("writeReport() refuses to write over a page of somebody else, before anything is run", {
  timeout,
}, async () => {
  for (const name of ["index.html", "lost-update.html"]) {
    using folder = new Folder();
    writeFileSync(folder.at(name), "<h1>mine</h1>");
    const tried: string[] = [];
    await assert.rejects(write(folder.path, tried), {
      name: "UsageError",
      message: `Cannot write a report to ${folder.path}: ${name} is there, and no page of a report`,
    });
    assert.deepEqual(tried, []);
    assert.equal(readFileSync(folder.at(name), "utf8"), "<h1>mine</h1>");
    assert.deepEqual(readdirSync(folder.path), [name]);
  }
});
