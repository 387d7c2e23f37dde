/**
 * The package as those who install it get it, without publishing it.
 *
 * Deno gets it from a registry that speaks JSR's protocol on this machine: its modules have `http:`
 * URLs and are TypeScript. Bun gets what JSR makes of it for npm: a folder in `node_modules` with
 * JavaScript beside the TypeScript, in both of which imports name the JavaScript.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { readModule } from "../_modules.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** One version of a package. */
interface Package {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  /** Its files by path, `mod.ts` and so on. */
  readonly files: ReadonlyMap<string, string>;
}

function filesBelow(folder: string, path: string): string[] {
  if (statSync(join(folder, path)).isFile()) return [path];
  return readdirSync(join(folder, path)).flatMap((name) =>
    filesBelow(folder, posix.join(path, name))
  );
}

/** Reads a package as its publish list has it; without a list it is the whole folder. */
function readPackage(folder: string): Package {
  const config = JSON.parse(readFileSync(join(folder, "deno.json"), "utf8"));
  const paths = (config.publish?.include ?? ["."]) as string[];
  const { name, version, exports, imports = {} } = config;
  const files = new Map(
    paths.flatMap((path) => filesBelow(folder, path)).map((path) => [
      path,
      readFileSync(join(folder, path), "utf8"),
    ]),
  );
  return { name, version, exports, imports, files };
}

/** The package and the stand-ins for those it depends on. */
function readPackages(): Package[] {
  return ["", "std/async", "std/fs"].map((folder) => readPackage(join(root, folder)));
}

/** Replaces what a module imports, as JSR does: the URLs of modules stay as they are. */
function rewrite(path: string, source: string, replace: (specifier: string) => string): string {
  if (!path.endsWith(".ts")) return source;
  const imports = readModule(path, source).imports.filter(({ byUrl }) => !byUrl);
  let text = source;
  for (const { specifier, start, end } of imports.toSorted((a, b) => b.start - a.start)) {
    text = text.slice(0, start) + replace(specifier) + text.slice(end);
  }
  return text;
}

/** What an import map makes of a specifier. */
function resolve(specifier: string, imports: Package["imports"]): string {
  for (const [key, target] of Object.entries(imports)) {
    if (specifier === key) return target;
    const prefix = key.endsWith("/") ? key : `${key}/`;
    if (specifier.startsWith(prefix)) {
      return target.replace(/\/$/, "") + "/" + specifier.slice(prefix.length);
    }
  }
  return specifier;
}

/** What a JSR registry answers for these packages, by path. */
function registryFiles(packages: readonly Package[]): Map<string, string> {
  const answers = new Map<string, string>();
  for (const { name, version, exports, imports, files } of packages) {
    const manifest: Record<string, { size: number; checksum: string }> = {};
    for (const [path, source] of files) {
      const text = rewrite(path, source, (specifier) => resolve(specifier, imports));
      const checksum = `sha256-${createHash("sha256").update(text).digest("hex")}`;
      manifest[`/${path}`] = { size: Buffer.byteLength(text), checksum };
      answers.set(`/${name}/${version}/${path}`, text);
    }
    const meta = { latest: version, versions: { [version]: {} } };
    answers.set(`/${name}/meta.json`, JSON.stringify(meta));
    answers.set(`/${name}/${version}_meta.json`, JSON.stringify({ manifest, exports }));
  }
  return answers;
}

/** A JSR registry on this machine that has the package. */
export interface Registry extends AsyncDisposable {
  /** For `JSR_URL`. */
  readonly url: string;
}

/** Starts the registry. */
export async function openRegistry(): Promise<Registry> {
  const answers = registryFiles(readPackages());
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? "");
    const type = request.url?.endsWith(".json") ? "application/json" : "application/typescript";
    // A connection that is kept may be closed here in the moment in which it is used again there.
    const headers = { "content-type": type, connection: "close" };
    response.writeHead(answer === undefined ? 404 : 200, headers);
    response.end(answer);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** The modules that the exports lead to; a module that is only named by its URL is not among them. */
function graphOf({ exports, files }: Package): Set<string> {
  const seen = new Set<string>();
  const visit = (path: string) => {
    const source = files.get(path);
    if (source === undefined || seen.has(path)) return;
    seen.add(path);
    for (const { target, byUrl } of readModule(path, source).imports) if (!byUrl) visit(target);
  };
  for (const path of Object.values(exports)) visit(posix.normalize(path));
  return seen;
}

/** What a JSR package is called where npm's client asks for it. */
const npmName = (name: string) => name.replace("@std/", "@jsr/std__");

/**
 * Puts packages into `folder/node_modules`, as JSR's npm registry has them: the modules of the graph
 * as TypeScript and as JavaScript, in both of which relative imports name the JavaScript, and every
 * other file as it was published.
 */
export function installForBun(folder: string, bun: string): void {
  const packages = readPackages();
  const modules = join(folder, "node_modules");
  for (const each of packages) install(each, join(modules, npmName(each.name)), bun);

  const [core] = packages;
  const fromNpm = Object.entries(core.imports).filter(([, target]) => target.startsWith("npm:"));
  for (const name of [...fromNpm.map(([name]) => name), "deno-std"]) {
    const place = join(modules, name);
    mkdirSync(dirname(place), { recursive: true }); // for one of a scope
    symlinkSync(realpathSync(join(root, "node_modules", name)), place);
  }
  // A program that has installed something says so; Deno resolves nothing that nobody asked for.
  const dependencies = { [core.name]: `^${core.version}` };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies }));
}

function install(each: Package, target: string, bun: string): void {
  const { name, version, imports, files } = each;
  const graph = graphOf(each);
  const toJs = (path: string) => path.replace(/\.ts$/, ".js");
  for (const [path, source] of files) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    const replace = (specifier: string) =>
      !graph.has(path)
        ? resolve(specifier, imports)
        : specifier.startsWith(".")
        ? toJs(specifier)
        : npmName(specifier);
    writeFileSync(join(target, path), rewrite(path, source, replace));
  }
  const exports = Object.fromEntries(
    Object.entries(each.exports).map(([name, path]) => [name, toJs(path)]),
  );
  const manifest = { name: npmName(name), version, type: "module", exports };
  writeFileSync(join(target, "package.json"), JSON.stringify(manifest));
  transpile(target, graph, bun);
}

/** Writes the JavaScript of TypeScript modules beside them. */
function transpile(folder: string, paths: Iterable<string>, bun: string): void {
  const program = `
    const transpiler = new Bun.Transpiler({ loader: "ts", target: "bun" });
    for (const path of ${JSON.stringify([...paths])}) {
      const source = await Bun.file(path).text();
      await Bun.write(path.replace(/ts$/, "js"), transpiler.transformSync(source));
    }`;
  const { status, stderr } = spawnSync(bun, ["--eval", program], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Cannot transpile the package: ${stderr}`);
}
