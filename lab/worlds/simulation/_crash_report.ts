/** A crash told: the events before it, what became of each, and what was left. */
import { type CrashEvent, show } from "./_crash_run.ts";
import type { DiskNames } from "./_disk.ts";
import type { Bytes, Written } from "./_file_data.ts";
import type { History } from "./_history.ts";
import { NameChange } from "./_nodes.ts";
import type { TakenStep } from "./_step.ts";
import type { DiskImage, Survivor } from "./_survivors.ts";
import type { Crash } from "./crash_program.ts";

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

/** Events up to a crash, or to the end. */
export interface CrashChapter {
  readonly events: readonly CrashEvent[];
  /** How many of them came before the crash; `Infinity` if none came. */
  readonly end: number;
  /** What the crash was, in words. */
  readonly mark?: string;
  /** What was lost, if power was. */
  readonly loss?: { readonly image: DiskImage; readonly survivor: Survivor };
}

/** What a crash is told from. */
export interface CrashStory {
  readonly crash: Crash | undefined;
  /** Which process was killed, if one was. */
  readonly victim: string | undefined;
  /** The run, and the recoveries after it. */
  readonly chapters: readonly CrashChapter[];
  /** What was on the disk before the check. */
  readonly left: DiskNames;
  readonly blockSize: number;
  readonly error: unknown;
  readonly code: string;
}

/** The story in lines. */
export function tellCrash(story: CrashStory): string {
  const { crash, victim, chapters, left, blockSize, error, code } = story;
  const losses = chapters.filter(({ loss }) => loss !== undefined).length;
  const what = crash === undefined
    ? "Without any crash"
    : crash === "kill"
    ? `After ${victim} was killed`
    : losses === 1
    ? "After a power loss"
    : `After ${losses} power losses`;
  const files = [...listFiles(left, "", blockSize)];
  const more = files.length > FILES ? [`  … and ${files.length - FILES} more`] : [];
  return [
    `${what}: ${error instanceof Error ? `${error.name}: ${error.message}` : show(error)}`,
    "",
    ...chapters.flatMap((chapter) => tellEvents(chapter, crash)),
    "",
    files.length === 0 ? "On the disk that was left: nothing" : "On the disk that was left:",
    ...files.slice(0, FILES).map((file) => `  ${file}`),
    ...more,
    "",
    `Again: replayCrash(program, ${JSON.stringify(code)})`,
  ].join("\n");
}

/** The events around the crash, a line each. */
function tellEvents({ events, end, mark, loss }: CrashChapter, crash: Crash | undefined): string[] {
  const fates = loss === undefined ? () => "" : fatesOf(loss.image, loss.survivor);
  const before: string[] = [];
  const after: string[] = [];
  let steps = 0;
  events.forEach((event, index) => {
    if ("step" in event) steps++;
    if (!isShown(event, crash)) return;
    const number = "step" in event ? `${steps}`.padStart(4) : "    ";
    const reached = index < end || loss === undefined;
    const fate = !reached ? "not reached" : "step" in event ? fates(event.step) : "";
    const line = `${number}  ${tellEvent(event).padEnd(60)} ${fate}`.trimEnd();
    (index < end ? before : after).push(line);
  });
  const shown = loss === undefined ? AFTER : AHEAD;
  return [
    ...(before.length > BEFORE ? [`      … ${before.length - BEFORE} more before`] : []),
    ...before.slice(-BEFORE),
    ...(mark === undefined ? [] : [`      ── ${mark} ──`]),
    ...after.slice(0, shown),
    ...(after.length > shown ? [`      … ${after.length - shown} more`] : []),
  ];
}

function isShown(event: CrashEvent, crash: Crash | undefined): boolean {
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
