/**
 * The code of a scenario's variants, cut out of the text of its module: the variant itself, and what of
 * the module's own it uses, and nothing else.
 */
import { parse } from "@babel/parser";

/** What is used of a syntax tree. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

function* within(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (isNode(each)) yield* within(each);
    }
  }
}

function nameOf(key: unknown): string | undefined {
  const { name, value } = key as { name?: string; value?: unknown };
  return name ?? (typeof value === "string" ? value : undefined);
}

/** The variants' own nodes, by name. */
function findVariants(program: Node): Map<string, Node> {
  const found = new Map<string, Node>();
  for (const node of within(program)) {
    if (node.type !== "ObjectProperty" || nameOf(node.key) !== "variants") continue;
    const { properties } = node.value as { properties?: Node[] };
    for (const property of properties ?? []) {
      const name = nameOf(property.key);
      if (name !== undefined) found.set(name, property);
    }
    if (found.size > 0) break;
  }
  return found;
}

/** What the module declares at its top, by name; the scenario itself is not among it. */
function findDeclarations(program: Node): Map<string, Node> {
  const found = new Map<string, Node>();
  for (const statement of program.body as Node[]) {
    if (statement.type === "ExportDefaultDeclaration") continue;
    const declaration = (statement.declaration ?? statement) as Node;
    for (const { id } of (declaration.declarations ?? [declaration]) as { id?: Node }[]) {
      if (id !== undefined && id !== null) found.set(String(id.name), statement);
    }
  }
  return found;
}

/** Everything of `declarations` that `node` uses, directly or not. */
function usedBy(node: Node, declarations: Map<string, Node>, used = new Set<Node>()): Set<Node> {
  for (const { type, name } of within(node)) {
    const declaration = type === "Identifier" ? declarations.get(String(name)) : undefined;
    if (declaration === undefined || used.has(declaration)) continue;
    used.add(declaration);
    usedBy(declaration, declarations, used);
  }
  return used;
}

/** The comment that stands right before a node belongs to it. */
function textOf(source: string, node: Node): string {
  const comments = (node.leadingComments ?? []) as Node[];
  const start = Math.min(node.start, ...comments.map((comment) => comment.start));
  const indent = start - (source.lastIndexOf("\n", start - 1) + 1);
  return source.slice(start, node.end).replaceAll(`\n${" ".repeat(indent)}`, "\n");
}

/**
 * The code of each variant.
 *
 * @param source The text of the scenario's module.
 * @param names The variants' names.
 * @returns By name; for a variant that is put together elsewhere it is the module's whole text.
 */
export function variantCode(source: string, names: readonly string[]): Record<string, string> {
  const program = parse(source, { sourceType: "module", plugins: ["typescript"] })
    .program as unknown as Node;
  const variants = findVariants(program);
  const declarations = findDeclarations(program);
  return Object.fromEntries(names.map((name) => {
    const variant = variants.get(name);
    if (variant === undefined) return [name, source.trim()];
    const used = [...usedBy(variant, declarations)].sort((a, b) => a.start - b.start);
    return [name, [...used, variant].map((node) => textOf(source, node)).join("\n\n")];
  }));
}
