/** The type of an expression over a schema; everything that cannot be is found here, when a pipeline is loaded. */
import { DyneError, unreachable } from "../../core/errors.ts";
import { checkFieldNames } from "../data-type.ts";
import type { Expression, FunctionCall, HigherOrderCall, LambdaVariable, WindowCall } from "../expression.ts";
import { castRule } from "../functions/casts.ts";
import {
  aggregateFunction,
  commonType,
  higherOrderFunction,
  isMismatch,
  scalarFunction,
  windowFunction,
} from "../functions/index.ts";
import type { AggregateFunction, ScalarFunction, Typed, WindowFunction } from "../functions/index.ts";
import { literalProblem, literalValue } from "../literal.ts";
import type { LogicalPlan } from "../logical-plan.ts";
import { hasVariant, sameType, typeName } from "../type-name.ts";
import type { DataType, Schema, StructField, StructType } from "../types.ts";
import { childrenOf, someExpression } from "../visit.ts";
import { nearestName } from "../../core/nearest-name.ts";

/** Which calls may stand in an expression, besides scalar functions. */
export type Allowed = "scalar" | "windows" | "aggregates";

/** The field that an expression is: its type, and whether it can be NULL. Errors: UNKNOWN_COLUMN, TYPE_MISMATCH, UNSUPPORTED_FEATURE. */
export function fieldOf(expression: Expression, schema: Schema, place: string): StructField {
  switch (expression.kind) {
    case "column":
      return columnField(expression.name, schema, place);
    case "literal": {
      const problem = literalProblem(expression.value, expression.type);
      if (problem !== undefined)
        throw new DyneError("TYPE_MISMATCH", `${problem} Write it in the form of its type (in ${place}).`);
      return { type: expression.type, nullable: expression.value === null };
    }
    case "parameter":
      return { type: expression.type, nullable: false };
    case "cast": {
      const from = fieldOf(expression.input, schema, place).type;
      if (castRule(from, expression.to) !== undefined) return { type: expression.to, nullable: true };
      throw new DyneError(
        "TYPE_MISMATCH",
        `There is no cast from ${typeName(from)} to ${typeName(expression.to)} in ${place}. Cast to a type between them, or drop the cast.`,
      );
    }
    case "call":
    case "aggregate":
      return { type: callType(expression, schema, place).result, nullable: true };
    case "higherOrder":
      return { type: higherOrderType(expression, schema, place).result, nullable: true };
    case "variable":
      return { type: expression.type, nullable: true };
    case "window":
      return windowType(expression, schema, place);
    case "case":
      return caseType(expression, schema, place);
    case "field":
      return fieldType(expression, schema, place);
    case "fromJson":
      return fromJsonType(expression, schema, place);
    default:
      return unreachable(expression);
  }
}

/** The type of an expression over a schema. Errors: those of `fieldOf`. */
export function typeOf(expression: Expression, schema: Schema, place = "the query"): DataType {
  return fieldOf(expression, schema, place).type;
}

/** Argument and result types of a call, as its function's rule gives them. */
export function callType(
  call: Extract<Expression, { kind: "call" | "aggregate" }>,
  schema: Schema,
  place: string,
): Typed {
  const definition = call.kind === "call" ? scalarFunction(call.name) : aggregateFunction(call.name);
  if (call.kind === "aggregate") {
    if (call.distinct && definition.kind === "aggregate" && !definition.allowsDistinct) {
      throw new DyneError(
        "UNSUPPORTED_FEATURE",
        `${call.name} cannot take distinct values only (in ${place}). Use countDistinct, or group first.`,
      );
    }
    if (call.filter !== undefined) requireBoolean(call.filter, schema, `the filter of ${call.name} in ${place}`);
  }
  return applyRule(definition, call.args, schema, place);
}

function applyRule(
  definition: ScalarFunction | AggregateFunction | WindowFunction,
  args: readonly Expression[],
  schema: Schema,
  place: string,
): Typed {
  const types = args.map((arg) => fieldOf(arg, schema, place).type);
  const literals = args.map(literalValue);
  const typed = definition.type(types, literals);
  if (isMismatch(typed)) {
    throw new DyneError(
      "TYPE_MISMATCH",
      `${definition.name} ${typed.mismatch} (in ${place}). Change or cast the arguments.`,
    );
  }
  if (typed.args.length !== args.length)
    throw new DyneError(
      "TYPE_MISMATCH",
      `${definition.name} takes ${typed.args.length} arguments, not ${args.length} (in ${place}). Leave the others away.`,
    );
  if (definition.kind !== "aggregate" && definition.checkLiterals !== undefined) {
    const problem = definition.checkLiterals(literals);
    if (problem !== undefined) throw new DyneError("TYPE_MISMATCH", `${definition.name} ${problem} (in ${place}).`);
  }
  return definition.name === "named_struct" ? { ...typed, result: structType(args, types, place) } : typed;
}

/** Types of the values of a call with lambdas, and of its result. Errors: TYPE_MISMATCH, and those of its parts. */
export function higherOrderType(call: HigherOrderCall, schema: Schema, place: string): Typed {
  const { name, lambdas } = call;
  const definition = higherOrderFunction(name);
  const args = call.args.map((arg) => fieldOf(arg, schema, place).type);
  const rules = definition.lambdas(args);
  const refused = (what: string): DyneError => new DyneError("TYPE_MISMATCH", `${name} ${what} (in ${place}).`);
  if (isMismatch(rules)) throw refused(`${rules.mismatch}. Change or cast the arguments`);
  const least = rules.filter(({ optional }) => optional !== true).length;
  if (lambdas.length < least || lambdas.length > rules.length)
    throw refused(`has ${lambdas.length} lambdas, and takes ${least === rules.length ? least : `${least} or more`}`);
  const bodies = lambdas.map(({ parameters, body }, index) => {
    const rule = rules[index]!;
    if (parameters.length < rule.least || parameters.length > rule.parameters.length)
      throw refused(`has a lambda of ${parameters.length} parameters, and gives it ${rule.parameters.length}`);
    for (const [at, { type }] of parameters.entries())
      if (!sameType(type, rule.parameters[at]!))
        throw refused(
          `has a lambda of ${typeName(type)}, and gives it ${typeName(rule.parameters[at]!)}. Build it anew over the columns that there are`,
        );
    return fieldOf(body, schema, `the lambda of ${name} in ${place}`).type;
  });
  const typed = definition.type(args, bodies);
  if (isMismatch(typed)) throw refused(`${typed.mismatch}. Change or cast the arguments`);
  return typed;
}

/** The error for a variable that stands outside of its lambda. */
export function unboundVariableError(name: string, place: string): DyneError {
  return new DyneError(
    "INVALID_PIPELINE",
    `The variable "${name}" of a lambda stands outside of it, in ${place}. Use it only in what the lambda returns.`,
  );
}

/** Types of a window function's call (not of an aggregate over a window). */
export function windowCallType(call: FunctionCall, schema: Schema, place: string): Typed {
  return applyRule(windowFunction(call.name), call.args, schema, place);
}

function structType(args: readonly Expression[], types: readonly DataType[], place: string): StructType {
  const fields: Record<string, StructField> = {};
  const names: string[] = [];
  for (let index = 0; index < args.length; index += 2) {
    const name = args[index];
    if (name?.kind !== "literal" || typeof name.value !== "string")
      throw new DyneError("TYPE_MISMATCH", `named_struct needs its names as literals (in ${place}).`);
    names.push(name.value);
    fields[name.value] = { type: types[index + 1] as DataType, nullable: true };
  }
  checkFieldNames(names, place);
  return { kind: "struct", fields };
}

function columnField(name: string, schema: Schema, place: string): StructField {
  const field = Object.hasOwn(schema.fields, name) ? (schema.fields[name] as StructField) : undefined;
  if (field !== undefined) return field;
  throw unknownColumn(name, Object.keys(schema.fields), place);
}

/** The error for a name that is no column: it names the nearest one and all there are. */
export function unknownColumn(name: string, columns: readonly string[], place: string): DyneError {
  const nearest = nearestName(name, columns);
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  return new DyneError(
    "UNKNOWN_COLUMN",
    `There is no column "${name}" in ${place}.${hint} The columns are ${columns.join(", ")}.`,
    {
      details: { column: name, place, ...(nearest === undefined ? {} : { nearest }) },
    },
  );
}

function windowType(expression: WindowCall, schema: Schema, place: string): StructField {
  const { call, partitionBy, orderBy } = expression;
  for (const part of [...partitionBy, ...orderBy.map(({ by }) => by)])
    assertNoVariant(fieldOf(part, schema, place).type, `a window in ${place} compares`);
  checkFrame(expression, place);
  if (call.kind === "aggregate" && call.distinct) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${call.name} over a window cannot take distinct values only (in ${place}). Group first, and join the groups.`,
    );
  }
  const typed = call.kind === "call" ? windowCallType(call, schema, place) : callType(call, schema, place);
  return { type: typed.result, nullable: true };
}

/** A frame chooses rows by their order, and some functions have none or cannot do without. */
function checkFrame({ call, orderBy, frame }: WindowCall, place: string): void {
  const rows = call.kind === "call" ? windowFunction(call.name).frame : "optional";
  const isWhole = frame !== undefined && frame.startRow === undefined && frame.endRow === undefined;
  if (orderBy.length === 0 && (call.kind === "call" || (frame !== undefined && !isWhole)))
    throw new DyneError("INVALID_PIPELINE", `${call.name} in ${place} has no order. Give its window an orderBy.`);
  if (rows === "none" && frame !== undefined)
    throw new DyneError("INVALID_PIPELINE", `${call.name} in ${place} is about no rows around it. Leave out \`rows\`.`);
  if (rows === "required" && frame === undefined) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `${call.name} in ${place} would look at the rows up to the row itself. Say which rows: { from: undefined, to: undefined } are all of the partition.`,
    );
  }
  const { startRow = -frameRowMax, endRow = frameRowMax } = frame ?? {};
  for (const row of [startRow, endRow]) {
    if (!Number.isSafeInteger(row) || Math.abs(row) > frameRowMax)
      throw new DyneError("INVALID_ARGUMENT", `A frame in ${place} starts or ends at ${row}. Use whole rows.`);
  }
  if (startRow > endRow)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `A frame in ${place} starts at ${startRow} and ends at ${endRow}. Start it before its end.`,
    );
}

/** As far from its row as Spark lets a frame begin. */
const frameRowMax = 2_147_483_647;

function caseType(expression: Extract<Expression, { kind: "case" }>, schema: Schema, place: string): StructField {
  const results = expression.branches.map(({ when, then }) => {
    requireBoolean(when, schema, `a condition of case in ${place}`);
    return fieldOf(then, schema, place).type;
  });
  if (expression.otherwise !== undefined) results.push(fieldOf(expression.otherwise, schema, place).type);
  let type = results[0];
  for (const other of results.slice(1)) type = type && commonType(type, other);
  if (type !== undefined) return { type, nullable: true };
  throw new DyneError(
    "TYPE_MISMATCH",
    `The results of case in ${place} have no common type: ${results.map(typeName).join(", ")}. Cast them to one type.`,
  );
}

function fieldType(expression: Extract<Expression, { kind: "field" }>, schema: Schema, place: string): StructField {
  const { type } = fieldOf(expression.input, schema, place);
  if (type.kind !== "struct")
    throw new DyneError(
      "TYPE_MISMATCH",
      `"${expression.name}" is read from a ${typeName(type)} in ${place}. Only structs have fields.`,
    );
  const field = type.fields[expression.name];
  if (field === undefined) throw unknownColumn(expression.name, Object.keys(type.fields), `the struct in ${place}`);
  return { type: field.type, nullable: true };
}

function fromJsonType(
  expression: Extract<Expression, { kind: "fromJson" }>,
  schema: Schema,
  place: string,
): StructField {
  const { type } = fieldOf(expression.input, schema, place);
  if (type.kind !== "string")
    throw new DyneError("TYPE_MISMATCH", `fromJson needs text, not ${typeName(type)} (in ${place}).`);
  checkJsonType(expression.schema, place);
  return { type: expression.schema, nullable: true };
}

function checkJsonType(type: DataType, place: string): void {
  if (type.kind === "struct") {
    const fields = Object.entries<StructField>(type.fields);
    if (fields.length === 0)
      throw new DyneError("TYPE_MISMATCH", `fromJson in ${place} has a struct without fields. Name at least one.`);
    checkFieldNames(
      fields.map(([name]) => name),
      `the JSON schema in ${place}`,
    );
    for (const [, field] of fields) checkJsonType(field.type, place);
  } else if (type.kind === "array") checkJsonType(type.element, place);
  else if (["map", "binary", "timestamp_ntz", "variant"].includes(type.kind)) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `fromJson cannot read ${typeName(type)} yet (in ${place}). Read the field as string and convert it.`,
    );
  }
}

/** Variants have no order, and equal ones may have other bytes. Throws TYPE_MISMATCH. */
export function assertNoVariant(type: DataType, what: string): void {
  if (!hasVariant(type)) return;
  throw new DyneError(
    "TYPE_MISMATCH",
    `${what} values of the type ${typeName(type)}, and variants cannot be compared. Leave them out, or use Spark.`,
  );
}

/** Requires a boolean expression. Errors: TYPE_MISMATCH, and those of its parts. */
export function requireBoolean(expression: Expression, schema: Schema, place: string): void {
  const { type } = fieldOf(expression, schema, place);
  if (!sameType(type, { kind: "boolean" })) {
    throw new DyneError(
      "TYPE_MISMATCH",
      `The condition of ${place} is ${typeName(type)}, not boolean. Compare it with something.`,
    );
  }
}

type Variables = ReadonlyMap<string, LambdaVariable>;

/** Requires that aggregates, windows and the variables of lambdas stand only where they may. Errors: INVALID_PIPELINE. */
export function checkCalls(
  expression: Expression,
  allowed: Allowed,
  place: string,
  variables: Variables = new Map(),
): void {
  if (expression.kind === "variable") {
    const bound = variables.get(expression.name);
    if (bound === undefined || !sameType(bound.type, expression.type))
      throw unboundVariableError(expression.name, place);
  }
  if (expression.kind === "higherOrder") {
    for (const arg of expression.args) checkCalls(arg, allowed, place, variables);
    for (const { parameters, body } of expression.lambdas) {
      const within = new Map([...variables, ...parameters.map((each) => [each.name, each] as const)]);
      checkLambda(body, expression.name, place);
      checkCalls(body, "scalar", place, within);
    }
    return;
  }
  if (expression.kind === "aggregate" && allowed !== "aggregates") {
    throw new DyneError(
      "INVALID_PIPELINE",
      `${expression.name} is an aggregate and stands in ${place}. Use it in agg(), or give it a window with over().`,
    );
  }
  if (expression.kind === "window" && allowed !== "windows") {
    throw new DyneError(
      "INVALID_PIPELINE",
      `A window function stands in ${place}. Compute it with withColumns() first.`,
    );
  }
  const below: Allowed = expression.kind === "aggregate" || expression.kind === "window" ? "scalar" : allowed;
  for (const child of childrenOf(expression)) checkCalls(child, below, place, variables);
}

/** A lambda is about elements of one row. */
function checkLambda(body: Expression, name: string, place: string): void {
  if (!someExpression(body, ({ kind }) => kind === "aggregate" || kind === "window")) return;
  throw new DyneError(
    "INVALID_PIPELINE",
    `The lambda of ${name} in ${place} looks at other rows. Compute the aggregate or the window function before, and use its column.`,
  );
}

/** Whether an expression holds an aggregate that is not over a window. */
export function hasAggregate(expression: Expression): boolean {
  if (expression.kind === "window") return false;
  return expression.kind === "aggregate" || childrenOf(expression).some(hasAggregate);
}

/** Whether a node computes windows: its rows are then not made one by one of those below it. */
export function hasWindows(node: LogicalPlan): boolean {
  return node.kind === "project" && node.columns.some(({ expression }) => hasWindow(expression));
}

/** Whether an expression holds a window. */
export function hasWindow(expression: Expression): boolean {
  return someExpression(expression, ({ kind }) => kind === "window");
}
