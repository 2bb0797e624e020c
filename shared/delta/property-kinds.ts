/** The kinds of values that properties of a table have, as texts (`metaData.configuration`). */
import { isDyneError } from "../core/index.ts";
import { parseColumnPaths, type ColumnPath } from "./column-path.ts";

/** A property of a table: how its text is read, and what it means to dyne. */
export interface TableProperty<Value> {
  /** What the text stands for; undefined where it is no value of the property. */
  readonly parse: (text: string) => Value | undefined;
  /** A text that is a value, as every engine reads it: some take no other case, and no blanks. */
  readonly spell: (text: string) => string;
  /** Where the property is not set. */
  readonly absent: Value;
  /** Where a table has a text that cannot be read. */
  readonly unreadable: Value;
  /** The form of the text, for people: "a whole number". */
  readonly form: string;
  /** What it does, for people. */
  readonly meaning: string;
  /** The feature that a table must have for this value (PROTOCOL.md § Table Features). */
  feature?(value: Value): string | undefined;
  /** Why dyne does not write tables with this value: the name of what it would have to write. */
  refused?(value: Value): string | undefined;
  /** Set by writers as they go, and by nobody else. */
  readonly isInternal?: true;
}

type Facts<Value> = Pick<TableProperty<Value>, "feature" | "refused" | "isInternal">;

/** `true` or `false`, in whatever case. */
export function flag(absent: boolean, meaning: string, facts: Facts<boolean> = {}): TableProperty<boolean> {
  return {
    parse: (text) => ({ true: true, false: false })[text.trim().toLowerCase()],
    spell: (text) => text.trim().toLowerCase(),
    absent,
    unreadable: absent,
    form: "true or false",
    meaning,
    ...facts,
  };
}

/** A flag that turns a feature on. */
export function switchOf(feature: string, meaning: string): TableProperty<boolean> {
  return flag(false, meaning, { feature: (on) => (on ? feature : undefined) });
}

/** A flag of something that dyne does not write. */
export function refusedFlag(named: string, meaning: string): TableProperty<boolean> {
  return flag(false, meaning, { refused: (on) => (on ? named : undefined) });
}

/** One of some words. */
export function word<const Word extends string>(
  words: readonly Word[],
  absent: Word,
  meaning: string,
  facts: Facts<Word> = {},
): TableProperty<Word> {
  const parse = (text: string) => words.find((candidate) => candidate.toLowerCase() === text.trim().toLowerCase());
  return {
    parse,
    spell: (text) => parse(text) ?? text,
    absent,
    unreadable: absent,
    form: `one of ${words.join(", ")}`,
    meaning,
    ...facts,
  };
}

/** A whole number of at least so much, and at most so much. */
export function wholeNumber<Absent extends number | undefined>(
  least: number,
  absent: Absent,
  meaning: string,
  { most = Number.POSITIVE_INFINITY, ...facts }: Facts<number | Absent> & { readonly most?: number } = {},
): TableProperty<number | Absent> {
  return {
    parse: (text) => {
      const value = /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : undefined;
    },
    spell: (text) => String(Number(text)),
    absent,
    unreadable: absent,
    form:
      most === Number.POSITIVE_INFINITY ? `a whole number from ${least} on` : `a whole number from ${least} to ${most}`,
    meaning,
    ...facts,
  };
}

/** Columns, and what is in them, by their names; see `parseColumnPaths`. */
export function columnPaths(meaning: string): TableProperty<readonly ColumnPath[] | undefined> {
  return {
    parse: (text) => {
      try {
        return parseColumnPaths(text);
      } catch (error) {
        if (isDyneError(error)) return undefined;
        throw error;
      }
    },
    spell: (text) => text,
    absent: undefined,
    unreadable: undefined,
    form: "names of columns, parted by commas",
    meaning,
  };
}

/** Any text. */
export function anyText(meaning: string, facts: Facts<string | undefined> = {}): TableProperty<string | undefined> {
  const same = (text: string) => text;
  return { parse: same, spell: same, absent: undefined, unreadable: undefined, form: "a text", meaning, ...facts };
}

const sizeUnits: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A size such as `134217728`, `128mb` or `1g`, in bytes. */
export function bytes(absent: undefined, meaning: string): TableProperty<number | undefined> {
  return {
    parse: (text) => {
      const match = /^(\d{1,15})\s*([kmgt]?)b?$/.exec(text.trim().toLowerCase());
      const value = Number(match?.[1]) * (sizeUnits[match?.[2] ?? ""] ?? Number.NaN);
      return value > 0 && Number.isSafeInteger(value) ? value : undefined;
    },
    spell: (text) => text.toLowerCase().replaceAll(/\s/g, ""),
    absent,
    unreadable: absent,
    form: "a size such as 134217728, 128mb or 1g",
    meaning,
  };
}

const unitsMs: Readonly<Record<string, number>> = {
  week: 7 * 24 * 3_600_000,
  day: 24 * 3_600_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
  microsecond: 0.001,
};

/**
 * A duration such as `interval 30 days`, in milliseconds. What cannot be read as one is endless: nothing is thrown away by a
 * misunderstanding.
 */
export function duration<Absent extends number | undefined>(
  absent: Absent,
  meaning: string,
): TableProperty<number | Absent> {
  return {
    parse: durationOf,
    spell: (text) => `interval ${durationParts(text).replaceAll(/\s+/g, " ").trim()}`,
    absent,
    unreadable: Number.POSITIVE_INFINITY,
    form: "a duration such as interval 30 days, in weeks or less",
    meaning,
  };
}

function durationParts(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, "");
}

function durationOf(text: string): number | undefined {
  const parts = durationParts(text);
  if (!/^(?:\d+\s+[a-z]+\s*)+$/.test(parts)) return undefined;
  let totalMs = 0;
  for (const [, count, unit = ""] of parts.matchAll(/(\d+)\s+([a-z]+)/g)) {
    const unitMs = unitsMs[unit.replace(/s$/, "")];
    if (unitMs === undefined) return undefined;
    totalMs += Number(count) * unitMs;
  }
  return totalMs;
}
