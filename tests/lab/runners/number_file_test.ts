/** The file that the strategies race on. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { NumberFile } from "../../../lab/benchmarks/_strategies.ts";
import { Folder } from "../../lib/_folder.ts";

/** Seen half written at its first read, as 1472 over 1471 can be, and whole from then on. */
class HalfWritten extends NumberFile {
  reads = 0;
  readonly #writer: NumberFile;

  constructor(path: string, writer: NumberFile) {
    super(path, true);
    this.#writer = writer;
  }

  override read(place: number): number {
    const number = super.read(place);
    if (this.reads++ === 0) this.#writer.write(place, 1472);
    return number;
  }
}

test("a reader beside the writer takes no number that is half of one and half of the next", {
  timeout: 10_000,
}, () => {
  using folder = new Folder();
  const { path } = folder;
  const torn = new Uint8Array(12);
  new DataView(torn.buffer).setFloat64(0, 1408);
  writeFileSync(folder.at("data"), torn);
  const writer = new NumberFile(path);
  const file = new HalfWritten(path, writer);
  assert.deepEqual([file.readBeside(0), file.reads], [1472, 2]);
  assert.deepEqual([file.readBeside(0), file.reads], [1472, 3]);
  file.close();
  writer.close();
});
