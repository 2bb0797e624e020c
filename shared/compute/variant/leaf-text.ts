/**
 * Values within a variant as JSON text, as Spark's `to_json` writes them: numbers with all their digits, those that JSON lacks as text;
 * dates and times as text; binary as base64.
 */

/** `2024-02-29`, from days since 1970. Years beyond 9999 have a sign, and those before the year 0 too. */
export function dateText(days: number): string {
  return `"${calendarDay(days)}"`;
}

/** `2024-02-29 12:00:00.5+00:00`, or the same without a zone. `perSecond` is how many units a second has. */
export function timestampText(units: bigint, perSecond: bigint, zoned: boolean): string {
  const perDay = 86_400n * perSecond;
  const rest = ((units % perDay) + perDay) % perDay;
  return `"${calendarDay(Number((units - rest) / perDay))} ${clockTime(rest, perSecond)}${zoned ? "+00:00" : ""}"`;
}

/** `12:34:56.5`, from a day's beginning on; undefined for what is no time of a day. */
export function timeText(units: bigint, perSecond: bigint): string | undefined {
  return units < 0n || units >= 86_400n * perSecond ? undefined : `"${clockTime(units, perSecond)}"`;
}

/** Without zeros at the end of its fraction. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  return `${unscaled < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The shortest text that is this double; whole numbers end in `.0`, so that they are told from integers. */
export function doubleText(value: number): string {
  return Number.isFinite(value) ? floatingText(value, String(value)) : `"${value}"`;
}

/** The shortest text that is this value among 32-bit floats. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  for (let digits = 1; digits < floatDigits; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return floatingText(value, text);
  }
  return floatingText(value, String(Number(value.toPrecision(floatDigits))));
}

/** So many digits tell all 32-bit floats apart. */
const floatDigits = 9;

/** Base64. */
export function binaryText(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")}"`;
}

/** Of 16 bytes, in their order. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return `"${hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}"`;
}

function floatingText(value: number, text: string): string {
  if (Object.is(value, -0)) return "-0.0";
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function clockTime(units: bigint, perSecond: bigint): string {
  const seconds = Number(units / perSecond);
  const parts = [Math.trunc(seconds / 3_600), Math.trunc(seconds / 60) % 60, seconds % 60];
  const fraction = String((units % perSecond) + perSecond)
    .slice(1)
    .replace(/0+$/, "");
  return `${parts.map((part) => String(part).padStart(2, "0")).join(":")}${fraction === "" ? "" : `.${fraction}`}`;
}

/** In the Gregorian calendar, before it was introduced too. Days of any 32-bit number, which the language's dates do not reach. */
function calendarDay(days: number): string {
  // Years from March on, in cycles of 400: a leap day is the last of its year.
  const sinceMarch = days + 719_468;
  const cycle = Math.floor(sinceMarch / 146_097);
  const day = sinceMarch - cycle * 146_097;
  const yearOfCycle = Math.floor(
    (day - Math.floor(day / 1_460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365,
  );
  const dayOfYear = day - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
  const year = yearOfCycle + cycle * 400 + (month < 10 ? 0 : 1);
  const digits = String(Math.abs(year)).padStart(4, "0");
  const sign = year < 0 ? "-" : year > 9_999 ? "+" : "";
  const of = [month < 10 ? month + 3 : month - 9, dayOfMonth].map((part) => String(part).padStart(2, "0"));
  return `${sign}${digits}-${of.join("-")}`;
}
