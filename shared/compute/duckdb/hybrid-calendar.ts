/**
 * Files with days of the calendar that Java had before version 8: Julian before 1582-10-15, Gregorian since. Spark before version 3 wrote
 * them, and later ones do on demand and say so among the key values of the footer:
 *
 *     org.apache.spark.version     2.4.8
 *     org.apache.spark.legacyDateTime, org.apache.spark.legacyINT96    (empty)
 *     org.apache.spark.timeZone    America/Los_Angeles
 *
 * A date stays the one that people wrote down, which is another day of the calendar that all use now.
 */
import { CompactThrift, thriftTypes } from "./compact-thrift.ts";
import { stringLiteral } from "./identifier.ts";

export interface HybridCalendar {
  /** Of dates, and of timestamps that are no INT96. */
  readonly ofDates: boolean;
  readonly ofInt96: boolean;
  /** In which the writer's clock stood; undefined where the file does not say. */
  readonly zone: string | undefined;
}

/** `FileMetaData.key_value_metadata`, and the fields of its elements. */
const [keyValueField, keyField, valueField] = [5, 1, 2] as const;
const prefix = "org.apache.spark.";
const versionKey = `${prefix}version`;

/** The calendar that a footer says; undefined for the one that all use now. Throws DATA_ERROR for a footer that cannot be read. */
export function hybridCalendar(footer: Buffer): HybridCalendar | undefined {
  if (!mayBeHybrid(footer)) return undefined;
  const said = keyValues(footer);
  const version = said.get(versionKey);
  const isBefore = (pattern: RegExp): boolean => version !== undefined && pattern.test(version);
  const ofDates = said.has(`${prefix}legacyDateTime`) || isBefore(/^[0-2]\./);
  const ofInt96 = said.has(`${prefix}legacyINT96`) || isBefore(/^([0-2]|3\.0)\./);
  return ofDates || ofInt96 ? { ofDates, ofInt96, zone: said.get(`${prefix}timeZone`) } : undefined;
}

/** Footers of a later Spark are not walked through: they have the version behind its key, a field's header and a length. */
function mayBeHybrid(footer: Buffer): boolean {
  if (footer.includes(`${prefix}legacy`)) return true;
  const at = footer.indexOf(versionKey);
  return (
    at >= 0 && /^([0-2]|3\.0)\./.test(footer.toString("latin1", at + versionKey.length + 2, at + versionKey.length + 8))
  );
}

function keyValues(footer: Uint8Array): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  const thrift = new CompactThrift(footer);
  thrift.fields((id, type) => {
    if (id !== keyValueField || type !== thriftTypes.list) return thrift.skip(type);
    const { count, type: element } = thrift.listHeader();
    for (let index = 0; index < count; index++) {
      if (element !== thriftTypes.struct) thrift.skip(element);
      else {
        let [key, value] = ["", ""];
        thrift.fields((inner, innerType) => {
          if (innerType !== thriftTypes.binary || (inner !== keyField && inner !== valueField)) thrift.skip(innerType);
          else if (inner === keyField) key = textOf(thrift.binary());
          else value = textOf(thrift.binary());
        });
        said.set(key, value);
      }
    }
  });
  return said;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** The SQL of a date of the hybrid calendar as the same date of ours. */
export function rebasedDate(sql: string): string {
  return `CASE WHEN ${sql} < DATE '1582-10-15' THEN ${sql} + ${daysBetween(sql)} ELSE ${sql} END`;
}

/**
 * The same of a TIMESTAMP WITH TIME ZONE. In UTC the date alone changes; elsewhere the zone's old time does too, differently in Java's old
 * and new libraries: there times before 1900 fail the job, as UNSUPPORTED_FEATURE with the name of `path`.
 */
export function rebasedTimestamp(sql: string, zone: string | undefined, path: string): string {
  if (zone !== undefined && utcNames.has(zone)) {
    const date = `CAST((${sql} AT TIME ZONE 'UTC') AS DATE)`;
    const micros = `epoch_us(${sql}) + ${daysBetween(date)}::BIGINT * 86400000000`;
    return `CASE WHEN ${sql} < TIMESTAMPTZ '1582-10-15 00:00:00+00' THEN make_timestamptz(${micros}) ELSE ${sql} END`;
  }
  const what = `UNSUPPORTED_FEATURE: ${path} has times before 1900 in the calendar of Spark 2, of ${zone === undefined ? "a zone that it does not name" : `the zone ${zone}`}. Write the file anew with Spark 3 or later`;
  return `CASE WHEN ${sql} < TIMESTAMPTZ '1900-01-01 00:00:00+00' THEN CAST(error(${stringLiteral(what)}) AS TIMESTAMPTZ) ELSE ${sql} END`;
}

const utcNames: ReadonlySet<string> = new Set(["UTC", "Etc/UTC", "GMT", "Z", "+00:00"]);

/** How many days the same date is later in our calendar, by centuries of years that begin in March: a leap day is then a year's last. */
function daysBetween(date: string): string {
  const quarters = `(4 * ((${date} - DATE '1970-01-01') + 719470) + 3)`;
  return `CAST(2 - floor(${quarters} / 146100) + floor(${quarters} / 584400) AS INTEGER)`;
}
