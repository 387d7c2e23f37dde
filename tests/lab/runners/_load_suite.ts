/** Loads the suite of this repository, and tells what is in the folder for temporary files then. */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import suite from "../../../interlock.bench.ts";

if (suite.length > 0) console.log(`loaded ${JSON.stringify(readdirSync(tmpdir()))}`);
