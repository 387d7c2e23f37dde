/** A program that ends by itself, or does not; run by a test. */
import process from "node:process";
import { Processor } from "../../../lib/processor/mod.ts";

const handlers = new URL("./_handlers.ts", import.meta.url);

function create(): Processor {
  const processor = new Processor({ workers: 2 });
  processor.handle("here", () => "here");
  processor.handle("later", handlers);
  processor.handle("die", handlers);
  return processor;
}

const programs: Record<string, () => Promise<void>> = {
  "await using": async () => {
    {
      await using processor = create();
      processor.request("later", 50).completed.then(console.log);
      processor.request("here").completed.then(console.log);
    }
    console.log("disposed of");
  },
  "a shutdown that aborts": async () => {
    const processor = create();
    processor.request("later", 1e6).completed.catch(({ name }) => console.log(name));
    const { aborted } = await processor.shutdown({ timeout: 50 });
    console.log(`${aborted} aborted`);
  },
  "never shut down, and idle": async () => {
    const processor = create();
    console.log(await processor.request("here").completed);
    console.log(await processor.request("later", 1).completed);
    await processor.request("die", "1").completed.catch(({ name }) => console.log(name));
  },
  "never shut down, with a job to do": async () => {
    create().request("later", 100).completed.then(console.log);
    await Promise.resolve();
  },
};
await programs[process.argv[2]]();
