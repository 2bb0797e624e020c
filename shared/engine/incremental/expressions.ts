/** Short spellings of plan data for the engine's own plans. */
import type {
  AggregateCall,
  DataType,
  Expression,
  FunctionCall,
  Literal,
  LogicalPlan,
  Schema,
  StructField,
} from "../../plan/index.ts";

export const column = (name: string): Expression => ({ kind: "column", name });
export const call = (name: string, ...args: Expression[]): FunctionCall => ({ kind: "call", name, args });
export const aggregate = (name: string, ...args: Expression[]): AggregateCall => ({
  kind: "aggregate",
  name,
  args,
  distinct: false,
  filter: undefined,
});
export const text = (value: string): Literal => ({ kind: "literal", value, type: { kind: "string" } });
export const long = (value: bigint | number): Literal => ({ kind: "literal", value, type: { kind: "long" } });
export const bool = (value: boolean): Literal => ({ kind: "literal", value, type: { kind: "boolean" } });
export const nothing = (type: DataType): Literal => ({ kind: "literal", value: null, type });
export const when = (condition: Expression, then: Expression, otherwise?: Expression): Expression => ({
  kind: "case",
  branches: [{ when: condition, then }],
  otherwise,
});
export const choose = (branches: readonly (readonly [Expression, Expression])[]): Expression => ({
  kind: "case",
  branches: branches.map(([condition, then]) => ({ when: condition, then })),
  otherwise: undefined,
});
export const all = (conditions: readonly Expression[]): Expression => conditions.reduce((a, b) => call("and", a, b));

export const scan = (source: string, schema: Schema): LogicalPlan => ({
  kind: "scan",
  source,
  schema,
  streaming: false,
});
export const project = (input: LogicalPlan, columns: readonly (readonly [string, Expression])[]): LogicalPlan => ({
  kind: "project",
  input,
  columns: columns.map(([name, expression]) => ({ name, expression })),
});
export const filter = (input: LogicalPlan, condition: Expression): LogicalPlan => ({
  kind: "filter",
  input,
  condition,
});

/** The fields of a schema in order. */
export const fieldsOf = (schema: Schema): [string, StructField][] => Object.entries(schema.fields);
/** A schema of nullable fields. */
export const schemaOf = (fields: Readonly<Record<string, DataType>>): Schema => ({
  kind: "struct",
  fields: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type, nullable: true }])),
});
/** A schema with more nullable fields at its end. */
export const extended = (schema: Schema, fields: Readonly<Record<string, DataType>>): Schema => ({
  kind: "struct",
  fields: { ...schema.fields, ...schemaOf(fields).fields },
});
export const same = (names: readonly string[]): [string, Expression][] => names.map((name) => [name, column(name)]);
