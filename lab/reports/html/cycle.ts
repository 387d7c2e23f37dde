/** The circle of a deadlock: who waits for what, and who has it. */
import { describeWaits, type Wait } from "../analysis.ts";
import { html, type Markup } from "./markup.ts";

const WIDTH = 560;
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
      x: WIDTH / 2 + (WIDTH / 2 - MARGIN * 1.5) * Math.cos(angle),
      y: HEIGHT / 2 + (HEIGHT / 2 - MARGIN) * Math.sin(angle),
    };
  };
  const arrows = waits.flatMap((wait) => {
    const actor = place(wait.actor, "actor");
    const object = place(wait.object, "object");
    return [
      arrow(actor, object, "waits for", true),
      ...wait.holders.filter((holder) => nodes.some(({ name }) => name === holder.actor)).map((
        holder,
      ) => arrow(object, place(holder.actor, "actor"), `held since step ${holder.since}`, false)),
    ];
  });
  return html`
    <figure>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" role="img"
        aria-label="${describeWaits(waits).join("; ")}">
    <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="currentColor"/></marker></defs>
    ${arrows}${nodes.map(({ name, kind }) => {
      const { x, y } = place(name, kind);
      return kind === "actor"
        ? html`
          <circle cx="${x}" cy="${y}" r="26" fill="var(--read)" stroke="currentColor" />
          <text x="${x}" y="${y + 5}" text-anchor="middle">${name}</text>
        `
        : html`
          <rect x="${x - 50}" y="${y - 18}" width="100" height="36" rx="4" fill="var(--lock)"
            stroke="currentColor" />
          <text x="${x}" y="${y + 5}" text-anchor="middle">${name}</text>
        `;
    })}</svg>
      <figcaption>
        <ul>${describeWaits(waits).map((line) => html`<li>${line}</li>`)}</ul>
      </figcaption>
    </figure>
  `;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function arrow(from: Point, to: Point, text: string, dashed: boolean): Markup {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const cut = (point: Point, other: Point, by: number): Point => ({
    x: point.x + (other.x - point.x) / length * by,
    y: point.y + (other.y - point.y) / length * by,
  });
  const start = cut(from, to, 30);
  const end = cut(to, from, 34);
  return html`
    <line x1="${start.x}" y1="${start.y}" x2="${end.x}" y2="${end.y}" stroke="currentColor"
      stroke-width="1.5" ${dashed && html`stroke-dasharray="6 4"`} marker-end="url(#tip)" />
    <text x="${(start.x + end.x) / 2}" y="${(start.y + end.y) / 2 -
      6}" text-anchor="middle" font-size="12">${text}</text>
  `;
}
