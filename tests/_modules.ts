/**
 * Reads what a module imports and names, from its syntax tree: comments and text cannot be taken
 * for code.
 */
import { parse } from "@babel/parser";
import { posix } from "node:path";

/** Something a module asks for. */
export interface Import {
  /** What it asks for, as it is written. */
  readonly specifier: string;
  /** The path from the root of the checkout where that is relative, else as it is written. */
  readonly target: string;
  /** Whether only types are asked for, of which nothing is left at run time. */
  readonly typeOnly: boolean;
  /** Whether it is a module's URL, for a thread or a process to start from, and no import. */
  readonly byUrl: boolean;
  /** Where the specifier stands in the source, without its quotes. */
  readonly start: number;
  readonly end: number;
}

/** What a module asks for and names. */
export interface Module {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Its identifiers, but for the keys that objects, classes and types declare. */
  readonly names: ReadonlySet<string>;
  /** The text of every string in it. */
  readonly strings: ReadonlySet<string>;
}

/** A node of the tree, as far as it is read here. */
interface Node {
  type: string;
  [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null &&
    typeof (value as Node).type === "string";
}

/** The syntax tree of a TypeScript module. */
export function parseModule(source: string): Node {
  return parse(source, { sourceType: "module", plugins: ["typescript"] }) as unknown as Node;
}

/** Calls `visit` for `node` and everything below it. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const [field, value] of Object.entries(node)) {
    if (field === "tokens" || field.endsWith("omments")) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit);
    }
  }
}

const text = (node: unknown) =>
  isNode(node) && node.type === "StringLiteral" ? node.value as string : undefined;

/** Whether an import or export declaration leaves nothing at run time. */
function typeOnly(node: Node): boolean {
  if (node.importKind === "type" || node.exportKind === "type") return true;
  const specifiers = (node.specifiers ?? []) as Node[];
  return specifiers.length > 0 &&
    specifiers.every((each) => each.importKind === "type" || each.exportKind === "type");
}

/** The string by which `node` itself asks for something, if there is one. */
function asked(node: Node): { source: unknown; typeOnly: boolean } | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return { source: node.source, typeOnly: typeOnly(node) };
    case "ImportExpression":
      return { source: node.source, typeOnly: false };
    case "TSImportType":
      return { source: node.source, typeOnly: true };
    case "NewExpression": {
      // `new URL("./worker.ts", import.meta.url)`
      const [source, base] = node.arguments as Node[];
      const isModule = (node.callee as Node).name === "URL" && isNode(base) &&
        text(source)?.endsWith(".ts");
      return isModule ? { source, typeOnly: false } : undefined;
    }
  }
  return undefined;
}

/** Reads a module. */
export function readModule(path: string, source: string): Module {
  const imports: Import[] = [];
  const names = new Set<string>();
  const strings = new Set<string>();
  const keys = new Set<unknown>();
  walk(parseModule(source), (node) => {
    const found = asked(node);
    const specifier = text(found?.source);
    if (found !== undefined && specifier !== undefined) {
      const target = specifier.startsWith(".")
        ? posix.join(posix.dirname(path), specifier)
        : specifier;
      const { start, end } = found.source as { start: number; end: number };
      imports.push({
        specifier,
        target,
        typeOnly: found.typeOnly,
        byUrl: node.type === "NewExpression",
        start: start + 1,
        end: end - 1,
      });
    }
    if (node.computed !== true) keys.add(node.key);
    if (node.type === "Identifier" && !keys.has(node)) names.add(node.name as string);
    const string = text(node);
    if (string !== undefined) strings.add(string);
  });
  return { path, imports, names, strings };
}
