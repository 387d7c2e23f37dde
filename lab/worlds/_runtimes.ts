/**
 * Which runtimes there are on this machine, and how to start a module of this package in each.
 *
 * The runtime that runs this is always among them. The other is looked for once, when first asked
 * for, and asked where its own binary is: what stands on PATH may be npm's script around it, which
 * would cost half a second at every start.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { WorldError } from "./distance.ts";

export { moduleBeside } from "../../lib/_module_urls.ts";

/** A runtime that can run modules of this package. */
export interface Runtime {
  readonly name: "deno" | "bun";
  /** The binary itself. */
  readonly command: string;
}

/** How to start a process. */
export interface Command {
  readonly command: string;
  readonly args: string[];
}

const ASK: Record<Runtime["name"], string[]> = {
  deno: ["eval", "--no-config", "console.log(process.execPath)"],
  bun: ["--print", "process.execPath"],
};

/** The binary that runs when `command` is started; `undefined` when none does. */
function binaryOf(name: Runtime["name"], command: string): string | undefined {
  const { stdout } = spawnSync(command, ASK[name], { encoding: "utf8" });
  return stdout?.trim() || undefined;
}

/** Where the package's or the caller's dependencies put their commands. */
function installed(name: Runtime["name"]): string[] {
  const folders = [new URL("../../node_modules/.bin/", import.meta.url)];
  const places = folders.filter((url) => url.protocol === "file:").map((url) => fileURLToPath(url));
  return ["./node_modules/.bin/", ...places].map((folder) => folder + name);
}

function find(name: Runtime["name"]): Runtime | undefined {
  // Bun imports no module from the web: where this one is from, none can be started with it.
  if (name === "bun" && !import.meta.url.startsWith("file:")) return undefined;
  const variable = `INTERLOCK_${name.toUpperCase()}`;
  const given = process.env[variable];
  if (given !== undefined && given !== "") {
    const command = binaryOf(name, given);
    if (command === undefined) {
      throw new WorldError(`Cannot start ${name}: ${variable} names ${given}, which does not run`);
    }
    return { name, command };
  }
  for (const candidate of [name, ...installed(name)]) {
    const command = binaryOf(name, candidate);
    if (command !== undefined) return { name, command };
  }
  return undefined;
}

let found: readonly Runtime[] | undefined;

/**
 * The runtimes of this machine, the one that runs this first. The other is what `INTERLOCK_DENO`
 * or `INTERLOCK_BUN` names, else what is on PATH, else what is in `node_modules`.
 *
 * @throws {WorldError} when the variable names something that does not run
 */
export function runtimes(): readonly Runtime[] {
  if (found === undefined) {
    const name = process.versions.bun === undefined ? "deno" : "bun";
    const self: Runtime = { name, command: process.execPath };
    const other = find(name === "deno" ? "bun" : "deno");
    found = other === undefined ? [self] : [self, other];
  }
  return found;
}

/**
 * How to start a module of this package.
 *
 * @param runtime With which runtime.
 * @param moduleUrl The module, as `moduleBeside()` names it.
 * @param args What the module finds in `process.argv.slice(2)`.
 */
export function runCommand(
  runtime: Runtime,
  moduleUrl: string,
  args: readonly string[] = [],
): Command {
  const { command, name } = runtime;
  const file = moduleUrl.startsWith("file:") ? fileURLToPath(moduleUrl) : undefined;
  if (name === "bun") return { command, args: [file ?? moduleUrl, ...args] };
  if (file !== undefined && !moduleUrl.includes("/node_modules/")) {
    return { command, args: ["run", "-A", "--quiet", "--no-prompt", file, ...args] };
  }
  // Deno would look for its configuration where the package is; the scenario's imports are those of
  // the program that uses it.
  return commandInFolder(runtime, moduleUrl, args);
}

/** The same, of a module that loads others whose imports are those of the current folder. */
export function commandInFolder(
  runtime: Runtime,
  moduleUrl: string,
  args: readonly string[] = [],
): Command {
  if (runtime.name === "bun") return runCommand(runtime, moduleUrl, args);
  // Code on the command line is configured by the current folder.
  const code = `import ${JSON.stringify(moduleUrl)};`;
  return { command: runtime.command, args: ["eval", "--quiet", code, ...args] };
}
