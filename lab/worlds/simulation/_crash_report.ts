/** A crash told: the events before it, what became of each, and what was left. */
import type { CrashPoint } from "./_crash_code.ts";
import { type CrashEvent, show } from "./_crash_run.ts";
import type { DiskNames } from "./_disk.ts";
import type { Bytes, Written } from "./_file_data.ts";
import type { History } from "./_history.ts";
import { NameChange } from "./_nodes.ts";
import type { TakenStep } from "./_step.ts";
import type { DiskImage, Survivor } from "./_survivors.ts";

/** Steps that change nothing, which are left out. */
const LOOKS: ReadonlySet<string> = new Set(["look at", "read", "list"]);
/** Steps that matter only to processes that live on. */
const LOCAL: ReadonlySet<string> = new Set(["lock", "unlock", "close"]);
/** As many events before the crash are shown, and after a kill. */
const BEFORE = 40;
const AFTER = 20;
/** As many that a power loss prevented. */
const AHEAD = 3;
/** As many files that were left are shown. */
const FILES = 20;
/** As many characters of each. */
const PREVIEW = 60;

/** What a crash is told from. */
export interface CrashStory {
  readonly point: CrashPoint;
  /** Which process was killed, if one was. */
  readonly victim: string | undefined;
  /** All events of the run, whether they came before the crash or not. */
  readonly events: readonly CrashEvent[];
  /** What was lost, if power was. */
  readonly loss?: { readonly image: DiskImage; readonly survivor: Survivor };
  /** What was left. */
  readonly left: DiskNames;
  readonly blockSize: number;
  readonly error: unknown;
  readonly code: string;
}

/** The story in lines. */
export function tellCrash(story: CrashStory): string {
  const { point: { crash }, victim, left, blockSize, error, code } = story;
  const what = crash === undefined
    ? "Without any crash"
    : crash === "power loss"
    ? "After a power loss"
    : `After ${victim} was killed`;
  const files = [...listFiles(left, "", blockSize)];
  const more = files.length > FILES ? [`  … and ${files.length - FILES} more`] : [];
  return [
    `${what}: ${error instanceof Error ? `${error.name}: ${error.message}` : show(error)}`,
    "",
    ...tellEvents(story),
    "",
    files.length === 0 ? "On the disk that was left: nothing" : "On the disk that was left:",
    ...files.slice(0, FILES).map((file) => `  ${file}`),
    ...more,
    "",
    `Again: replayCrash(program, ${JSON.stringify(code)})`,
  ].join("\n");
}

/** The events around the crash, a line each. */
function tellEvents(
  { point: { crash, moment, torn }, events, loss, victim }: CrashStory,
): string[] {
  const fates = loss === undefined ? () => "" : fatesOf(loss.image, loss.survivor);
  const before: string[] = [];
  const after: string[] = [];
  // A write that is cut off is carried out in part, so the crash comes after it.
  const end = crash === undefined ? Infinity : moment + (torn === undefined ? 0 : 1);
  let steps = 0;
  events.forEach((event, index) => {
    if ("step" in event) steps++;
    if (!isShown(event, crash)) return;
    const number = "step" in event ? `${steps}`.padStart(4) : "    ";
    const reached = index < end || crash !== "power loss";
    const fate = !reached ? "not reached" : "step" in event ? fates(event.step) : "";
    const line = `${number}  ${tellEvent(event).padEnd(60)} ${fate}`.trimEnd();
    (index < end ? before : after).push(line);
  });
  const shown = crash === "power loss" ? AHEAD : AFTER;
  return [
    ...(before.length > BEFORE ? [`      … ${before.length - BEFORE} more before`] : []),
    ...before.slice(-BEFORE),
    ...(crash === "power loss" ? ["      ── power lost ──"] : []),
    ...(crash === "kill" ? [`      ── ${victim} killed ──`] : []),
    ...after.slice(0, shown),
    ...(after.length > shown ? [`      … ${after.length - shown} more`] : []),
  ];
}

function isShown(event: CrashEvent, crash: CrashPoint["crash"]): boolean {
  if (!("step" in event)) return true;
  const { action, effects } = event.step;
  if (LOOKS.has(action)) return false;
  if (crash === "kill") return true;
  return !LOCAL.has(action) && (action !== "open" || effects.length > 0);
}

function tellEvent(event: CrashEvent): string {
  const { name } = event.process;
  if (!("step" in event)) return `${name}  reports ${show(event.report)}`;
  const { step } = event;
  const outcome = step.outcome === "" ? "" : `: ${step.outcome}`;
  return `${name}  ${step}${outcome}`;
}

/** What became of a step's effects. */
function fatesOf(image: DiskImage, survivor: Survivor): (step: TakenStep) => string {
  const durable = new Map<History<unknown>, number>();
  for (const { size, blocks } of image.data.values()) {
    for (const frozen of [size, ...blocks.map(([, frozen]) => frozen)]) {
      durable.set(frozen.of, frozen.durable);
    }
  }
  const fate = (effect: NameChange | Written): string => {
    if (effect instanceof NameChange) {
      if (!image.changes.has(effect)) return "durable";
      return survivor.kept.has(effect) ? "survived" : "lost";
    }
    const { history, version } = effect;
    const chosen = survivor.versions.get(history);
    const synced = durable.get(history)! >= version;
    if (chosen === undefined) return synced ? "lost with its name" : "lost";
    if (chosen < version) return "lost";
    return synced ? "durable" : "survived";
  };
  return ({ effects }) => {
    const all = new Set(effects.map(fate));
    if (all.size <= 1) return [...all].join();
    return all.has("lost") ? "survived in part" : all.has("survived") ? "survived" : "lost";
  };
}

function* listFiles(names: DiskNames, folder: string, blockSize: number): Generator<string> {
  for (const [name, entry] of names) {
    const path = `${folder}/${name}`;
    if (entry.kind === "folder") {
      if (entry.names.size === 0) yield `${path}/`;
      yield* listFiles(entry.names, path, blockSize);
    } else if (entry.kind === "link") yield `${path} → ${entry.target}`;
    else yield `${path}  ${entry.bytes.size} bytes  ${preview(entry.bytes, blockSize)}`.trimEnd();
  }
}

/** The first bytes as text where they are that, else in hexadecimal. */
function preview({ size, blocks }: Bytes, blockSize: number): string {
  const bytes = new Uint8Array(Math.min(size, PREVIEW));
  for (const [number, block] of blocks) {
    const rest = bytes.length - number * blockSize;
    if (rest > 0) bytes.set(block.subarray(0, rest), number * blockSize);
  }
  const more = size > PREVIEW ? "…" : "";
  const isText = bytes.every((byte) => byte === 10 || byte >= 32 && byte < 127);
  if (isText) return size === 0 ? "" : JSON.stringify(String.fromCharCode(...bytes)) + more;
  const digits = (byte: number) => byte.toString(16).padStart(2, "0");
  return Array.from(bytes.subarray(0, PREVIEW / 3), digits).join(" ") +
    (size > PREVIEW / 3 ? "…" : "");
}
