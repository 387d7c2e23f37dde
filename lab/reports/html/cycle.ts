/** The circle of a deadlock: who waits for what, and who has it. */
import { describeWaits, type Wait } from "../analysis.ts";
import { html, type Markup } from "./markup.ts";

const WIDTH = 680;
const HEIGHT = 360;
const MARGIN = 60;

interface Node {
  readonly name: string;
  readonly kind: "actor" | "object";
}

/** The picture of a wait-for cycle, with the same in words. */
export function cycle(waits: readonly Wait[]): Markup {
  const nodes: Node[] = [];
  const add = (name: string, kind: Node["kind"]) => {
    if (!nodes.some((node) => node.name === name && node.kind === kind)) nodes.push({ name, kind });
  };
  // In the order in which they follow one another round the circle.
  for (let next: Wait | undefined = waits[0], left = [...waits]; next !== undefined;) {
    add(next.actor, "actor");
    add(next.object, "object");
    left = left.filter((wait) => wait !== next);
    const holders: readonly string[] = next.holders.map(({ actor }) => actor);
    next = left.find(({ actor }) => holders.includes(actor)) ?? left[0];
  }
  const place = (name: string, kind: Node["kind"]) => {
    const index = nodes.findIndex((node) => node.name === name && node.kind === kind);
    const angle = (index / nodes.length) * 2 * Math.PI - Math.PI / 2;
    return {
      x: WIDTH / 2 + (WIDTH / 2 - MARGIN * 2.5) * Math.cos(angle),
      y: HEIGHT / 2 + (HEIGHT / 2 - MARGIN) * Math.sin(angle),
    };
  };
  const stand = (name: string, kind: Node["kind"]) => [{ name, kind }, place(name, kind)] as const;
  const arrows = waits.flatMap(({ actor, object, holders }) => [
    arrow(stand(actor, "actor"), stand(object, "object"), "waits for", true),
    ...holders.filter((holder) => nodes.some(({ name }) => name === holder.actor)).map((holder) =>
      arrow(
        stand(object, "object"),
        stand(holder.actor, "actor"),
        `held since step ${holder.since}`,
        false,
      )
    ),
  ]);
  return html`
    <figure>
      <div class="scroll" tabindex="0" role="group" aria-label="Who waits for whom">
        <svg class="cycle" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" role="img"
          aria-label="${describeWaits(waits).join("; ")}">
    <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="currentColor"/></marker></defs>
    ${arrows}${nodes.map(({ name, kind }) => {
      const { x, y } = place(name, kind);
      return kind === "actor"
        ? html`
          <ellipse cx="${x}" cy="${y}" rx="${radius(name)}" ry="26"
            fill="var(--read)" stroke="currentColor" />
          <text x="${x}" y="${y + 5}" text-anchor="middle">${name}</text>
        `
        : html`
          <rect x="${x - half(name)}" y="${y - 18}" width="${2 * half(name)}" height="36" rx="4"
            fill="var(--lock)" stroke="currentColor" />
          <text x="${x}" y="${y + 5}" text-anchor="middle">${name}</text>
        `;
    })}</svg>
      </div>
      <figcaption>
        <ul>${describeWaits(waits).map((line) => html`<li>${line}</li>`)}</ul>
      </figcaption>
    </figure>
  `;
}

/** Half of how wide the ellipse of an actor is; it is 26 high in each direction. */
function radius(name: string): number {
  return Math.max(26, name.length * 4 + 14);
}

/** Half of how wide the box of an object is. */
function half(name: string): number {
  return Math.max(50, name.length * 4 + 10);
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** How far the border of what stands at a point is in a direction. */
function reach({ name, kind }: Node, dx: number, dy: number): number {
  if (kind === "actor") return 1 / Math.hypot(dx / radius(name), dy / 26);
  return Math.min(half(name) / Math.abs(dx), 18 / Math.abs(dy));
}

function arrow(
  [from, start]: readonly [Node, Point],
  [to, end]: readonly [Node, Point],
  text: string,
  dashed: boolean,
): Markup {
  const length = Math.hypot(end.x - start.x, end.y - start.y) || 1;
  const [dx, dy] = [(end.x - start.x) / length, (end.y - start.y) / length];
  const [left, right] = [reach(from, dx, dy), length - reach(to, dx, dy) - 2];
  const at = (way: number): Point => ({ x: start.x + dx * way, y: start.y + dy * way });
  // What is said of an arrow stands outside of the circle, where nothing else is.
  const side = Math.sign(Math.round((start.x + end.x - WIDTH) / 20));
  const below = Math.sign(Math.round((start.y + end.y - HEIGHT) / 20));
  const [tail, middle, tip] = [at(left), at((left + right) / 2), at(right)];
  return html`
    <line x1="${tail.x}" y1="${tail.y}" x2="${tip.x}" y2="${tip.y}" stroke="currentColor"
      stroke-width="1.5" ${dashed && html`stroke-dasharray="6 4"`} marker-end="url(#tip)" />
    <text class="halo" x="${middle.x + side * 8}" y="${middle.y + 5 + below * 16}"
      text-anchor="${["end", "middle", "start"][side + 1]}">${text}</text>
  `;
}
