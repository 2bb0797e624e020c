/** From which number random tables are drawn, and how many: by settings of whoever runs the tests. */

/** `INTEROP_SEED`: the first of the seeds. */
export const interopSeed = wholeNumber("INTEROP_SEED", 1);

/** `INTEROP_TABLES`: how many tables of each kind are written in turns. */
export const tablesCount = wholeNumber("INTEROP_TABLES", 1);

function wholeNumber(name: string, absent: number): number {
  const text = process.env[name] ?? String(absent);
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`${name} is ${text}, and has to be a whole number from 1 to 99999`);
  return Number(text);
}
