/** Where data comes from. */
import { DyneError, shown } from "../core/index.ts";
import { checkFieldNames, durationMs } from "../plan/index.ts";
import * as kinds from "./options.ts";
import { checkOptions } from "./options.ts";
import type { ColumnTypes, Duration, StructOf } from "../plan/index.ts";

/** An Event Hub; every partition is a lane. */
export interface EventHubSource {
  readonly kind: "eventHub";
  readonly hub: string;
  /** How many partitions to provision; the hub itself says how many there are. */
  readonly partitions: number;
  readonly startingPosition: "earliest" | "latest";
  /** Stops the flow when events were lost before they were read (retention, hub made anew); otherwise the loss is logged. */
  readonly failOnDataLoss: boolean;
}

/** Files below a folder of the container `landing`. */
export interface FilesSource<Types extends ColumnTypes = ColumnTypes> {
  readonly kind: "files";
  /** `landing/folder/**.csv`: any depth below the folder. */
  readonly glob: string;
  readonly format: FileFormat;
  readonly schema: StructOf<Types>;
  /** A file older than this is refused loudly, not read again. */
  readonly maxFileAgeMs: number;
}

const fileFormats = ["csv", "json", "jsonl"] as const;
/** Formats of files: CSV with a header, one JSON value per file (an object or an array of them), JSON lines. */
export type FileFormat = (typeof fileFormats)[number];

/**
 * Reads a hub from its oldest event on. Errors: INVALID_PIPELINE for a hub that cannot be; INVALID_ARGUMENT for an option that there is not or
 * that has another kind of value.
 */
export function eventHub(
  hub: string,
  options: Partial<Pick<EventHubSource, "partitions" | "startingPosition" | "failOnDataLoss">> = {},
): EventHubSource {
  checkText(hub, "The name of a hub");
  inSource(`The hub "${hub}"`, () => checkOptions(options, hubOptions));
  const { partitions = 4, startingPosition = "earliest", failOnDataLoss = true } = options;
  if (!/^[a-z0-9](?:[a-z0-9_-]{0,48}[a-z0-9])?$/.test(hub)) {
    // Event Hubs knows dots. The Functions host does not, and the function of a hub is named after it.
    const dots = hub.includes(".") ? " A dot cannot be part of the name of a function, which every hub has." : "";
    throw new DyneError(
      "INVALID_PIPELINE",
      `"${hub}" is not the name of a hub. Use 1 to 50 lower-case letters, digits, "-" and "_", the first and the last of them a letter or a digit.${dots}`,
    );
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1_024) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `The hub "${hub}" cannot have ${partitions} partitions. Use 1 to 32 (Standard), 100 (Premium) or 1,024 (Dedicated).`,
    );
  }
  return Object.freeze({ kind: "eventHub", hub, partitions, startingPosition, failOnDataLoss });
}

/** Reads every file that lands under a glob, each version of a file once. Errors: INVALID_PIPELINE, UNSUPPORTED_FEATURE; INVALID_ARGUMENT as above. */
export function files<Types extends ColumnTypes>(
  glob: string,
  options: { readonly format: FileFormat; readonly schema: StructOf<Types>; readonly maxFileAge?: Duration },
): FilesSource<Types> {
  checkText(glob, "The place of landed files");
  inSource(`"${glob}"`, () => {
    checkOptions(options, filesOptions);
    if (options.schema === undefined)
      throw new DyneError("INVALID_PIPELINE", `It has no schema. Give ${kinds.structType.what}.`);
  });
  const { format, schema, maxFileAge = "90 days" } = options;
  if (!fileFormats.includes(format)) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `Files of the format "${String(format)}" cannot be read yet. Use one of ${fileFormats.join(", ")}.`,
    );
  }
  const plain = /^landing\/[A-Za-z0-9_.=-]+(?:\/[A-Za-z0-9_.=-]+)*\/\*{1,2}(?:\.[A-Za-z0-9.]+)?$/.test(glob);
  if (!plain || glob.split("/").some((segment) => segment === "..")) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `"${glob}" is not a place of landed files. Name a folder of the container landing and an ending, such as "landing/airports/**.csv".`,
    );
  }
  checkFieldNames(Object.keys(schema.fields), `the schema of ${glob}`);
  return Object.freeze({ kind: "files", glob, format, schema, maxFileAgeMs: durationMs(maxFileAge) });
}

const hubOptions = {
  partitions: kinds.numeric,
  startingPosition: kinds.oneOf("earliest", "latest"),
  failOnDataLoss: kinds.flag,
};
/** The format is told of by itself, with those that there are. */
const filesOptions = {
  format: { what: "", isRight: () => true },
  schema: kinds.structType,
  maxFileAge: kinds.duration,
};

function checkText(value: unknown, what: string): void {
  if (typeof value !== "string") throw new DyneError("INVALID_ARGUMENT", `${what} is ${shown(value)}. Give a text.`);
}

/** Says which source an error is about. */
function inSource(name: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DyneError)) throw error;
    throw new DyneError(error.code, `${name}: ${error.message}`, { cause: error, details: error.details });
  }
}
