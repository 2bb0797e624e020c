/**
 * The types of columns: those of Delta and Spark, named as in Delta's schema JSON (PROTOCOL.md § Schema Serialization Format).
 * Every type is plain frozen data.
 */
export interface PrimitiveType<Kind extends PrimitiveKind = PrimitiveKind> {
  readonly kind: Kind;
}
export type PrimitiveKind =
  | "boolean"
  | "byte"
  | "short"
  | "integer"
  | "long"
  | "float"
  | "double"
  | "string"
  | "binary"
  | "date"
  | "timestamp"
  | "timestamp_ntz"
  /** A value of any type, read only. */
  | "variant"
  /** No value but NULL; not in files. */
  | "void";
export interface DecimalType {
  readonly kind: "decimal";
  readonly precision: number;
  readonly scale: number;
}
export interface ArrayType<Element extends DataType = DataType> {
  readonly kind: "array";
  readonly element: Element;
  readonly containsNull: boolean;
}
export interface MapType<Key extends DataType = DataType, Value extends DataType = DataType> {
  readonly kind: "map";
  readonly key: Key;
  readonly value: Value;
  readonly valueContainsNull: boolean;
}
export interface StructType<Fields extends StructFields = StructFields> {
  readonly kind: "struct";
  readonly fields: Fields;
}
/** Fields by name, in order. */
export type StructFields = Readonly<Record<string, StructField>>;
export interface StructField<Type extends DataType = DataType> {
  readonly type: Type;
  readonly nullable: boolean;
  /** Field metadata of a Delta schema (column mapping ids, comments); kept, not interpreted here. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}
export type DataType = PrimitiveType | DecimalType | ArrayType | MapType | StructType;
/** The schema of a table or of a plan's output: a struct. */
export type Schema = StructType;
