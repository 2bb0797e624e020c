/**
 * The distance of two texts in characters. DuckDB's own counts bytes, so that it is asked of texts in which every character is a byte: of ASCII
 * texts as they are, of others in letters of their own, as long as those are enough.
 */
import { calling, integerType, scalarEntry } from "./define.ts";
import type { ScalarFunction, TypeRule } from "./function-definition.ts";
import { exactly } from "./type-rules.ts";

/** Bytes that are characters, but for 0 and for the two that stand for what only one of the texts has. */
const lettersMax = 125;
/** Doubled steps up to more characters than 16 MiB have. */
const steps = Array.from({ length: 25 }, (_, power) => 2 ** power).join(", ");

const character = `"__dyne_c"`;
const place = `"__dyne_p"`;
const [state, next] = [`"__dyne_s"`, `"__dyne_n"`];
const [reached, step] = [`"__dyne_q"`, `"__dyne_t"`];
const row = `struct_extract(${state}, 'a')`;

/** A text in letters: a common character by its place, any other by the one that the other text does not have. */
const inLetters = (characters: string, common: string, otherwise: number): string =>
  `array_to_string(list_transform(${characters}, lambda ${character}: chr(CAST(coalesce(list_position(${common}, ${character}) + 2, ${otherwise}) AS INTEGER))), '')`;

/**
 * Row by row through the table of distances of all beginnings. Within a row a value depends on the one before it, as the least of all before
 * that each lie one more away: which is found of ever wider neighbours, each time twice as wide.
 */
function byTable(a: string, b: string): string {
  const diagonal = `${row}[${place}] + CASE WHEN ${b}[${place}] = struct_extract(${next}, 'x') THEN 0 ELSE 1 END`;
  const above = `${row}[${place} + 1] + 1`;
  // Each value less its place, the first of a row being the number of characters of `a` up to it.
  const apart = `list_concat([${row}[1] + 1], list_transform(range(1, len(${b}) + 1), lambda ${place}: least(${diagonal}, ${above}) - ${place}))`;
  const wider = `list_transform(struct_extract(${reached}, 'a'), lambda ${character}, ${place}: CASE WHEN ${place} > struct_extract(${step}, 'w') THEN least(${character}, struct_extract(${reached}, 'a')[${place} - struct_extract(${step}, 'w')]) ELSE ${character} END)`;
  const widths = `list_transform(list_filter([${steps}], lambda ${character}: ${character} <= len(${b})), lambda ${character}: struct_pack(a := CAST(NULL AS BIGINT[]), w := ${character}))`;
  const least = `struct_extract(list_reduce(${widths}, lambda ${reached}, ${step}: struct_pack(a := ${wider}, w := 0), struct_pack(a := ${apart}, w := 0)), 'a')`;
  const values = `list_transform(${least}, lambda ${character}, ${place}: ${character} + ${place} - 1)`;
  const rows = `list_transform(${a}, lambda ${character}: struct_pack(a := CAST(NULL AS BIGINT[]), x := ${character}))`;
  const first = `struct_pack(a := range(0, len(${b}) + 1), x := '')`;
  const last = `list_reduce(${rows}, lambda ${state}, ${next}: struct_pack(a := ${values}, x := ''), ${first})`;
  return `struct_extract(${last}, 'a')[-1]`;
}

const texts = [["string"], ["string"]] as const;
const distanceType: TypeRule = (args) => exactly(args.length < 3 ? texts : [...texts, ["integer"]], integerType)(args);

/** How far texts are apart. */
export const distanceFunctions = [
  scalarEntry({
    name: "levenshtein",
    usage: "levenshtein(a: string, b: string, threshold?: int literal): int",
    does: "The least number of characters (code points) to insert, leave out or replace that makes one text the other; -1 where it is above the threshold.",
    type: distanceType,
    // Of a NULL as threshold Spark makes one thing in a stage that is compiled, and another in one that is not.
    checkLiterals: ({ length, 2: threshold }) =>
      length < 3 || typeof threshold === "number" ? undefined : "needs its threshold as a literal",
    duckdb: ([a, b, threshold], { bind }) => {
      const isPlain = bind(`strlen(${a}) + strlen(${b}) = length(${a}) + length(${b})`);
      const [left, right] = [a, b].map((text) =>
        bind(`CASE WHEN ${isPlain} OR ${text} = '' THEN [] ELSE string_split(${text}, '') END`),
      ) as [string, string];
      const common = bind(
        `list_filter(list_distinct(${left}), lambda ${character}: list_contains(${right}, ${character}))`,
      );
      const letters = `levenshtein(${inLetters(left, common, 1)}, ${inLetters(right, common, 2)})`;
      const distance = `CASE WHEN ${isPlain} IS NULL THEN NULL WHEN ${isPlain} THEN levenshtein(${a}, ${b}) WHEN len(${common}) <= ${lettersMax} THEN ${letters} ELSE ${byTable(left, right)} END`;
      if (threshold === undefined) return `CAST(${distance} AS INTEGER)`;
      const apart = bind(`CAST(${distance} AS INTEGER)`);
      return `CASE WHEN ${apart} <= ${threshold} THEN ${apart} WHEN ${apart} > ${threshold} THEN -1 END`;
    },
    spark: calling("levenshtein"),
  }),
] as const satisfies readonly ScalarFunction[];
