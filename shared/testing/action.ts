/** What happens in a test, as data: one after another. The functions of actions.ts make them. */
import type { DeclaredTable } from "../pipeline/index.ts";
import type { ColumnsOf, ColumnTypes } from "../plan/index.ts";
import type { Condition, InputRow, Values } from "../table/lake/index.ts";
import type { CrashPlace } from "./crash.ts";

/** A table of the pipeline: as it was declared, so that the compiler knows its columns, or its name. */
export type TableOf<Types extends ColumnTypes> = DeclaredTable<Types> | string;

/** The body of an event: text, bytes, or a value that becomes JSON. */
export type EventBody = string | Uint8Array | object;

/** How events arrive. */
export interface EventOptions {
  /** Default: "0". */
  readonly partition?: string | undefined;
  /** When the hub took them; by default the test's time. */
  readonly enqueuedTime?: string | Date | undefined;
  readonly partitionKey?: string | undefined;
  /** Application properties. */
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
}

/** Which rows of a table get which values. */
export interface Update<Types extends ColumnTypes> {
  /** Values by column, or a function of the columns that gives columns. */
  readonly set: Readonly<Record<string, unknown>> | Values<ColumnsOf<Types>>;
  /** All rows where absent. */
  readonly where?: Condition<ColumnsOf<Types>> | undefined;
}

/** What a quarantined row must be. A column that is left out may be anything, and so may a field of `row`. */
export interface QuarantinedRow {
  readonly reason?: string | undefined;
  /** The expectation that the row broke. */
  readonly rule?: string | null | undefined;
  readonly message?: string | null | undefined;
  readonly event_data?: string | null | undefined;
  readonly lane?: string | undefined;
  readonly position?: number | bigint | undefined;
  readonly row?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Rows that came, and rows that went. An update is one of each. */
export interface ChangedRows<Row> {
  readonly added?: readonly Row[] | undefined;
  readonly removed?: readonly Row[] | undefined;
}

type AnyRows = readonly InputRow[];
type AnyColumns = ColumnsOf<ColumnTypes>;

type Step =
  | {
      readonly kind: "addData";
      readonly table: string;
      readonly rows: readonly unknown[];
      readonly events: EventOptions;
    }
  | { readonly kind: "landFile"; readonly path: string; readonly content: string | Uint8Array }
  | { readonly kind: "appendData" | "overwriteData"; readonly table: string; readonly rows: AnyRows }
  | { readonly kind: "updateData"; readonly table: string; readonly update: Update<ColumnTypes> }
  | { readonly kind: "deleteData"; readonly table: string; readonly where: Condition<AnyColumns> | undefined }
  | { readonly kind: "optimize"; readonly table: string }
  | { readonly kind: "advanceTime"; readonly ms: number }
  | { readonly kind: "processAllAvailable" }
  | { readonly kind: "crash"; readonly at: CrashPlace; readonly flow: string | undefined }
  | { readonly kind: "restart" }
  | { readonly kind: "refresh" | "reset" | "resume"; readonly table: string }
  | {
      readonly kind: "checkAnswer";
      readonly table: string;
      readonly rows: AnyRows;
      readonly columns: readonly string[] | undefined;
    }
  | {
      readonly kind: "checkLastBatch";
      readonly table: string;
      readonly changed: ChangedRows<InputRow>;
      readonly columns: readonly string[] | undefined;
    }
  | { readonly kind: "checkQuarantine"; readonly table: string; readonly rows: readonly QuarantinedRow[] }
  | { readonly kind: "checkStrategy"; readonly table: string; readonly strategy: string }
  | {
      readonly kind: "checkFailure";
      readonly table: string;
      readonly code: string;
      readonly message: RegExp | undefined;
    }
  | { readonly kind: "checkEqualsQuery"; readonly table: string | undefined };

/** Something that happens, or is checked. */
export type Action = Step & {
  /** Where the test says it: lines of a stack, which an error is shown at. */
  readonly site: string;
};
