/** What a scenario is: one race, told once, run at every distance. */
import { hash, MAX_ACTORS } from "../engine/mod.ts";
import type { Model } from "../engine/history/mod.ts";
import { Declaration, type Declared } from "./_declaration.ts";
import { didYouMean } from "./_did_you_mean.ts";
import type { ObjectKind } from "./object_kind.ts";
import { type World, WORLD_NAMES, type WorldName } from "./world.ts";

/** One number that shapes a scenario. */
export interface Parameter {
  /** What it is, in a few words. */
  readonly about: string;
  /** Its value in tests and in the tour: small, so that every order can be run. */
  readonly smoke: number;
  /**
   * Its value in benchmarks and other free runs, if need be another one at each distance; where none is
   * given, it is the value in tests.
   */
  readonly bench: number | Readonly<Partial<Record<WorldName, number>>>;
  /** The smallest value allowed. */
  readonly min: number;
  /** The largest value allowed. */
  readonly max: number;
}

/** Values for a scenario's parameters. */
export type Parameters<P extends string = string> = Readonly<Record<P, number>>;

/** One of those who race. */
export interface Actor {
  /** Its name in timelines. */
  readonly name: string;
  /** What it does. Called once a run. */
  run(): Promise<void>;
}

/** What the shared cells hold when all actors have finished, by name. */
export type EndState = Readonly<Record<string, number>>;

/** What actors shared by `world.object` and `world.shared`, by name, as whoever checks has it. */
export type SharedObjects = Readonly<Record<string, unknown>>;

/**
 * How a variant is expected to fail: a wrong result, a deadlock, an actor that throws, or a run that
 * comes to no end, in which all go on for ever or some do while others starve.
 */
export type Symptom = "violated" | "deadlock" | "threw" | "endless";

/** One way of writing the race: broken, or mended. */
export interface Variant<P extends string = string> {
  /** Whether some order breaks it. */
  readonly expect: "broken" | "safe";
  /** How a broken variant fails. @default "violated" */
  readonly symptom?: Symptom;
  /** Why it is what it is, in a sentence. */
  readonly because: string;
  /** The distances at which it makes sense, where those are not all of the scenario's. */
  readonly worlds?: readonly WorldName[];
  /**
   * Declares the shared objects and answers the actors. Called anew for every actor and every run,
   * always with the same result: nothing but what `world` gives is shared.
   */
  build(world: World, parameters: Parameters<P>): readonly Actor[];
  /** Looks at the end state; answers what is wrong with it, if anything. */
  check(
    end: EndState,
    parameters: Parameters<P>,
    shared: SharedObjects,
  ): string | undefined | Promise<string | undefined>;
  /**
   * What the recorded calls (`world.calls()`) must be linearizable as. Then no order is left out as
   * equivalent to another, for which calls overlap is not declared by the steps they are made of.
   */
  readonly model?: Model | ((parameters: Parameters<P>) => Model);
}

/** One race with all its variants. */
export interface Scenario<P extends string = string> {
  /** `import.meta.url` of the module that has the scenario as its default export. */
  readonly module: string;
  /** Its name: lower-case words joined by hyphens. */
  readonly name: string;
  /** Its name for people. */
  readonly title: string;
  /** What races, why, and how it is mended: plain paragraphs. */
  readonly lesson: readonly string[];
  /** The document the case comes from. */
  readonly seed: string;
  /** The numbers that shape it. */
  readonly parameters: Readonly<Record<P, Parameter>>;
  /** The distances at which it makes sense. */
  readonly worlds: readonly WorldName[];
  /** Why it makes no sense at the others, a sentence for each. */
  readonly notes?: Readonly<Partial<Record<WorldName, string>>>;
  /** Its variants by name. */
  readonly variants: Readonly<Record<string, Variant<P>>>;
}

/** Something asked for does not exist or is out of range; the message says what is allowed. */
export class UsageError extends Error {
  /** Always `UsageError`. */
  override readonly name = "UsageError";
}

/** Names of those who serve the actors. */
const RESERVED = ["time", "later", "lost", "kept"];

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * Checks and answers a scenario, with the parameters' names inferred.
 *
 * @throws {TypeError} when a name, a parameter or a variant is not what it should be.
 */
export function defineScenario<P extends string>(scenario: Scenario<P>): Scenario<P> {
  const names = [scenario.name, ...Object.keys(scenario.variants)];
  for (const name of names) {
    if (!NAME.test(name)) {
      throw new TypeError(
        `Cannot define scenario: ${
          JSON.stringify(name)
        } is no name; use lower-case words joined by hyphens`,
      );
    }
  }
  if (names.length === 1) {
    throw new TypeError(`Cannot define scenario ${scenario.name}: it has no variants`);
  }
  for (const [name, { smoke, bench, min, max }] of Object.entries<Parameter>(scenario.parameters)) {
    const values = [smoke, ...(typeof bench === "number" ? [bench] : Object.values(bench))];
    const valid = [min, max, ...values].every((value) => Number.isSafeInteger(value)) &&
      0 <= min && values.every((value) => min <= value && value <= max);
    if (!valid) {
      throw new TypeError(
        `Cannot define scenario ${scenario.name}: parameter ${name} wants whole numbers with 0 <= min <= smoke, bench <= max`,
      );
    }
  }
  return scenario;
}

/** A variant with its parameters: what a world runs. */
export class Subject {
  /** The scenario. */
  readonly scenario: Scenario;
  /** The variant's name. */
  readonly variantName: string;
  /** The variant. */
  readonly variant: Variant;
  /** The parameters' values. */
  readonly parameters: Parameters;
  /** The actors' names. */
  readonly actors: readonly string[];
  /** The shared objects. */
  readonly objects: readonly Declared[];
  /** The kinds of those shared objects that have one, by name. */
  readonly kinds: ReadonlyMap<string, ObjectKind<object, never>>;
  /** What the recorded calls must be linearizable as, if anything is asked of them. */
  readonly model: Model | undefined;
  /** A hash of all that is declared. */
  readonly structure: string;

  /**
   * Looks at what the variant declares, without running it.
   *
   * @param scenario The scenario.
   * @param variantName One of its variants.
   * @param parameters Values that differ from the smoke values.
   * @throws {UsageError} when there is no such variant or parameter, or a value is out of range.
   */
  constructor(scenario: Scenario, variantName: string, parameters: Record<string, number> = {}) {
    const variant = Object.hasOwn(scenario.variants, variantName)
      ? scenario.variants[variantName]
      : undefined;
    if (variant === undefined) {
      const names = Object.keys(scenario.variants);
      throw new UsageError(
        `Cannot find variant "${variantName}" of ${scenario.name}: ${
          didYouMean(variantName, names, `it has ${names.join(", ")}`)
        }`,
      );
    }
    this.scenario = scenario;
    this.variantName = variantName;
    this.variant = variant;
    this.parameters = completeParameters(scenario, parameters);
    const declaration = new Declaration();
    const actors: unknown = variant.build(declaration, this.parameters);
    if (!Array.isArray(actors) || !actors.slice(0, MAX_ACTORS).every(isActor)) {
      throw new TypeError(
        `Cannot run ${this.label}: build() is to answer an array of actors, each with a name and run()`,
      );
    }
    this.actors = actors.map((actor) => actor.name);
    this.objects = declaration.objects;
    this.kinds = declaration.kinds;
    const { model } = variant;
    this.model = typeof model === "function" ? model(this.parameters) : model;
    if (this.actors.length === 0 || this.actors.length > MAX_ACTORS) {
      throw new UsageError(
        `Cannot run ${this.label}: it has ${this.actors.length} actors; from 1 to ${MAX_ACTORS} are allowed`,
      );
    }
    const taken = this.actors.find((name) => RESERVED.includes(name));
    if (new Set(this.actors).size < this.actors.length || taken !== undefined) {
      throw new UsageError(
        `Cannot run ${this.label}: each actor wants a name of its own, other than ${
          RESERVED.map((name) => `"${name}"`).join(", ")
        }; they are ${this.actors.join(", ")}`,
      );
    }
    this.structure = hash(JSON.stringify([
      scenario.name,
      variantName,
      this.parameters,
      this.actors,
      this.objects,
    ]));
  }

  /** The distances at which it makes sense. */
  get worlds(): readonly WorldName[] {
    return this.variant.worlds ?? this.scenario.worlds;
  }

  /** Whether something can happen to its actors. */
  get mortal(): boolean {
    return this.objects.some((object) => object.kind === "crash");
  }

  /** Whether a run takes real time farther away: an actor is killed, or an object waits by itself. */
  get slow(): boolean {
    return this.mortal || [...this.kinds.values()].some(({ takes }) => takes !== undefined);
  }

  /** `scenario/variant`. */
  get label(): string {
    return `${this.scenario.name}/${this.variantName}`;
  }

  /** The parameters' values in their declared order, as a schedule code has them. */
  get values(): readonly number[] {
    return Object.keys(this.scenario.parameters).map((name) => this.parameters[name]);
  }
}

function isActor(value: unknown): value is Actor {
  const { name, run } = (value ?? {}) as Partial<Actor>;
  return typeof name === "string" && typeof run === "function";
}

/** The parameters of a scenario for benchmarks and other free runs at a distance. */
export function benchParameters(scenario: Scenario, world: WorldName): Record<string, number> {
  return Object.fromEntries(
    Object.entries(scenario.parameters).map(([name, { bench, smoke }]) => [
      name,
      typeof bench === "number" ? bench : bench[world] ?? smoke,
    ]),
  );
}

function completeParameters(scenario: Scenario, given: Record<string, number>): Parameters {
  const names = Object.keys(scenario.parameters);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) {
      throw new UsageError(
        `Cannot set parameter "${name}" of ${scenario.name}: it has ${names.join(", ") || "none"}`,
      );
    }
  }
  return Object.fromEntries(names.map((name) => {
    const { smoke, min, max } = scenario.parameters[name];
    const value = given[name] ?? smoke;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new UsageError(
        `Cannot set parameter ${name} of ${scenario.name} to ${value}: it takes whole numbers from ${min} to ${max}`,
      );
    }
    return [name, value];
  }));
}

/** A to Z, then A1, A2, … */
const NAMES = Array.from(
  { length: MAX_ACTORS },
  (_, place) => place < 26 ? String.fromCharCode(65 + place) : `A${place - 25}`,
);

/** `count` actors that do the same, named A, B, C, … and told their place. */
export function team(count: number, run: (place: number) => Promise<void>): Actor[] {
  // Built anew for each actor of each run, so a plain loop: it is most of what a short run costs.
  const actors: Actor[] = [];
  for (let place = 0; place < count; place++) {
    actors.push({ name: NAMES[place], run: () => run(place) });
  }
  return actors;
}

/** Whether a distance exists. */
export function isWorldName(name: string): name is WorldName {
  return (WORLD_NAMES as readonly string[]).includes(name);
}
