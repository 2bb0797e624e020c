/**
 * True for a name that no column can have, whoever made it: an empty one, one that dyne uses itself within queries (`__dyne…`), one that
 * objects have besides their fields (`__proto__`), and one that is not all text.
 */
export function isImpossibleName(name: string): boolean {
  return (
    name === "" ||
    name === "__proto__" ||
    name.includes("\0") ||
    !name.isWellFormed() ||
    name.toLowerCase().startsWith("__dyne")
  );
}

/** True for a name that Spark's Parquet files cannot have: a Delta table has it only by column mapping (PROTOCOL.md § Column Mapping). */
export function needsMapping(name: string): boolean {
  return /[ ,;{}()\n\t=]/.test(name);
}

/**
 * True for a name that a flow of a kind gives to a column of its own, which travels beside those of its query or of its files. Upper and lower case
 * are one.
 */
export function isFlowName(name: string, flow: "files" | "stream"): boolean {
  return flowNames[flow].test(name);
}

const flowNames = {
  files: /^_file_(error|etag|modified|path|rescued|row|text)$/i,
  stream:
    /^(_row_error|__(arrival|check\d+|counting_us|event_data|event_data_binary|event_us|lane|message|position|reason|rule|source|version))$/i,
};
