import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { checkProperties, createTable, tableProperties, tableProperty } from "../../../shared/delta/index.ts";
import { idSchema, newTable, tableUnderTest } from "./table-under-test.ts";

describe("properties that somebody sets", () => {
  test("are kept by the names that Delta gives them, and one's own as they are", () => {
    expect(checkProperties("t", { "DELTA.appendonly": "true", Owner: " Me " })).toEqual({
      configuration: { "delta.appendOnly": "true", Owner: " Me " },
      features: [],
    });
  });

  test.each([
    ["delta.appendOnly", " TRUE", "true"],
    ["delta.columnMapping.mode", "Name", "name"],
    ["delta.isolationLevel", "serializable", "Serializable"],
    ["delta.autoOptimize.autoCompact", "False ", "false"],
    ["delta.checkpointInterval", " 010 ", "10"],
    ["delta.dataSkippingNumIndexedCols", "-1", "-1"],
    ["delta.targetFileSize", " 128 MB", "128mb"],
    ["delta.logRetentionDuration", "30 Days", "interval 30 days"],
    ["delta.deletedFileRetentionDuration", "INTERVAL  1 week\t2 days ", "interval 1 week 2 days"],
    ["delta.dataSkippingStatsColumns", "A, b.`c`", "A, b.`c`"],
    ["dyne.autoVacuum", "FALSE", "false"],
  ])("%s = %j is kept as %j, which every engine reads", (name, text, kept) => {
    expect(checkProperties("t", { [name]: text }).configuration).toEqual({ [name]: kept });
  });

  test.each([
    [{ "delta.feature.deletionVectors": "supported" }, ["deletionVectors"]],
    [{ "delta.minWriterVersion": "3" }, ["appendOnly", "invariants", "checkConstraints"]],
    [{ "delta.minReaderVersion": "2" }, ["columnMapping"]],
    [{ "delta.minReaderVersion": "1", "delta.minWriterVersion": "7" }, []],
  ])("%j ask for features and are not kept", (wanted, features) => {
    expect(checkProperties("t", wanted as Record<string, string>)).toEqual({ configuration: {}, features });
  });

  test.each<[string, unknown, string, string]>([
    ["delta.apendOnly", "true", "INVALID_ARGUMENT", "Did you mean delta.appendOnly?"],
    ["delta.whatever", "true", "INVALID_ARGUMENT", "no table property delta.whatever"],
    ["delta.appendOnly", "yes", "INVALID_ARGUMENT", "true or false"],
    ["delta.checkpointInterval", "0", "INVALID_ARGUMENT", "from 1 on"],
    ["delta.logRetentionDuration", "interval 2 months", "INVALID_ARGUMENT", "interval 30 days"],
    ["delta.targetFileSize", "-1", "INVALID_ARGUMENT", "128mb"],
    ["delta.isolationLevel", "Snapshot", "INVALID_ARGUMENT", "WriteSerializable, Serializable"],
    ["delta.randomPrefixLength", "65", "INVALID_ARGUMENT", "from 1 to 64"],
    ["delta.dataSkippingNumIndexedCols", "-2", "INVALID_ARGUMENT", "from -1 on"],
    ["delta.dataSkippingStatsColumns", "a,", "INVALID_ARGUMENT", "parted by commas"],
    ["delta.columnMapping.maxColumnId", "4", "INVALID_ARGUMENT", "set by writers"],
    ["delta.inCommitTimestampEnablementVersion", "4", "INVALID_ARGUMENT", "set by writers"],
    ["delta.constraints.positive", "id > 0", "INVALID_ARGUMENT", "addConstraint"],
    ["delta.enableRowTracking", "true", "UNSUPPORTED_FEATURE", "rowTracking"],
    ["delta.checkpointPolicy", "v2", "UNSUPPORTED_FEATURE", "v2Checkpoint"],
    ["delta.enableIcebergCompatV2", "true", "UNSUPPORTED_FEATURE", "icebergCompatV2"],
    ["delta.universalFormat.enabledFormats", "iceberg", "UNSUPPORTED_FEATURE", "universalFormat"],
    ["delta.parquet.compression.codec", "snappy", "UNSUPPORTED_FEATURE", "compression by snappy"],
    ["delta.checkpoint.writeStatsAsStruct", "true", "UNSUPPORTED_FEATURE", "statistics as columns"],
    ["delta.feature.deletionVector", "supported", "UNSUPPORTED_FEATURE", "did you mean deletionVectors?"],
    ["delta.feature.deletionVectors", "on", "INVALID_ARGUMENT", "only supported"],
    ["delta.minWriterVersion", "8", "INVALID_ARGUMENT", "no such version"],
    ["dyne.autoVaccum", "false", "INVALID_ARGUMENT", "Did you mean dyne.autoVacuum? It has dyne.autoVacuum."],
    ["Dyne.whatever", "1", "INVALID_ARGUMENT", "dyne has no table property Dyne.whatever. It has dyne.autoVacuum."],
    ["dyne.autoVacuum", "off", "INVALID_ARGUMENT", "true or false"],
    ["delta.autoOptimize.autoCompact", "flase", "INVALID_ARGUMENT", "one of true, false, auto, legacy"],
    ["__proto__", "2", "INVALID_ARGUMENT", "cannot be the name of a property"],
    [" ", "2", "INVALID_ARGUMENT", "cannot be the name of a property"],
    [" delta.appendOnly", "true", "INVALID_ARGUMENT", "without blanks around it"],
    ["owner\n", "me", "INVALID_ARGUMENT", "without blanks around it"],
    ["owner", 5, "INVALID_ARGUMENT", "owner of lake/t is to be 5, which is no text"],
    ["owner", undefined, "INVALID_ARGUMENT", "is to be undefined"],
    ["delta.appendOnly", true, "INVALID_ARGUMENT", "is to be true, which is no text"],
    ["delta.feature.deletionVectors", null, "INVALID_ARGUMENT", "is to be null"],
  ])("%s = %s is refused: %s, %s", (key, value, code, part) => {
    expect(() => checkProperties("lake/t", { [key]: value } as Record<string, string>)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(part) }),
    );
  });

  test("are not given twice, by two spellings of one name", () => {
    const twice = { "delta.appendOnly": "true", "delta.APPENDONLY": "false" };
    expect(() => checkProperties("t", twice)).toThrow("delta.appendOnly of t is given twice");
    expect(checkProperties("t", { owner: "me", Owner: "you" }).configuration).toEqual({ owner: "me", Owner: "you" });
  });

  test.each(["rowTracking", "clustering", "identityColumns", "variantType", "catalogManaged"])(
    "of a new table that ask for %s are refused where it is not written",
    async (feature) => {
      const { log } = tableUnderTest();
      const refused = feature === "identityColumns" ? undefined : { code: "UNSUPPORTED_FEATURE" };
      const made = createTable(log, { schema: idSchema, configuration: { [`delta.feature.${feature}`]: "supported" } });
      // A feature that writers only have to know of, and that no column uses, costs nothing.
      if (refused === undefined) expect((await made).kind).toBe("created");
      else await expect(made).rejects.toMatchObject(refused);
    },
  );
});

describe("a property of a table", () => {
  test.each<[keyof typeof tableProperties, string | undefined, unknown]>([
    ["delta.appendOnly", undefined, false],
    ["delta.appendOnly", " True ", true],
    ["delta.appendOnly", "1", false],
    ["delta.isolationLevel", "serializable", "Serializable"],
    ["delta.dataSkippingNumIndexedCols", "-1", -1],
    ["delta.dataSkippingNumIndexedCols", "-2", 32],
    ["delta.dataSkippingNumIndexedCols", undefined, 32],
    ["delta.targetFileSize", "128mb", 128 * 1024 * 1024],
    ["delta.targetFileSize", "1G", 1024 ** 3],
    ["delta.targetFileSize", "104857600", 104_857_600],
    ["delta.checkpointInterval", undefined, undefined],
    ["delta.logRetentionDuration", "interval 1 week 2 days", 9 * 24 * 3_600_000],
    ["delta.logRetentionDuration", "interval 1 month", Number.POSITIVE_INFINITY],
    ["delta.dataSkippingStatsColumns", "a, b.c,`d.e`.`f``,`", [["a"], ["b", "c"], ["d.e", "f`,"]]],
    ["delta.dataSkippingStatsColumns", " ", []],
    ["delta.dataSkippingStatsColumns", "a,,b", undefined],
    ["delta.dataSkippingStatsColumns", "a.", undefined],
    ["delta.randomPrefixLength", "65", 2],
    ["delta.autoOptimize.autoCompact", undefined, "true"],
    ["delta.autoOptimize.autoCompact", "FALSE", "false"],
    ["delta.autoOptimize.autoCompact", "flase", "true"],
    ["dyne.autoVacuum", undefined, true],
    ["dyne.autoVacuum", "off", false],
  ])("%s = %s is %s", (name, text, value) => {
    expect(tableProperty(text === undefined ? {} : { [name]: text }, name)).toEqual(value);
  });

  test("has a form and a meaning, and a text of its form that is itself", () => {
    for (const [name, { form, meaning, absent, parse, spell }] of Object.entries(tableProperties)) {
      expect(form, name).toMatch(/\w/);
      expect(meaning, name).toMatch(/[.]$/);
      if (typeof absent === "boolean") expect(parse(String(absent)), name).toBe(absent);
      const texts = ["true", "False", " 7 ", "-1", "1 GB", "interval 2 Hours", "NAME", "classic", "a, b"];
      for (const text of texts.filter((each) => parse(each) !== undefined)) {
        expect(parse(spell(text)), name).toEqual(parse(text));
        expect(spell(spell(text)), name).toBe(spell(text));
      }
    }
  });
});

test("the docs list every property that may be set, with its value where it is not", async () => {
  const path = new URL("../../../docs/delta.md", import.meta.url);
  const text = await readFile(path, "utf8");
  const lines = Object.entries(tableProperties)
    .filter(([, property]) => !("isInternal" in property))
    .map(([name, { absent, form, meaning }]) => {
      const shown =
        typeof absent === "number" && form.startsWith("a duration") ? `${absent / 86_400_000} days` : absent;
      return `| \`${name}\` | ${form} | ${String(shown ?? "none")} | ${meaning} |`;
    });
  const wanted = `\n\n| property | value | where it is not set | what it does |\n| --- | --- | --- | --- |\n${lines.join("\n")}\n\n`;
  const between = /(?<=<!-- properties -->)[^]*(?=<!-- \/properties -->)/;
  const withoutWidths = (markdown: string): string => markdown.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
  if (process.env["UPDATE_DOCS"] === "1") await writeFile(path, text.replace(between, wanted));
  else expect(withoutWidths(between.exec(text)?.[0] ?? "")).toBe(withoutWidths(wanted));
});

describe("a new table", () => {
  test("with the change feed has a protocol by names", async () => {
    const { base } = await newTable(1, { configuration: { "delta.enableChangeDataFeed": "true" } });
    expect(base.protocol).toEqual({
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: ["appendOnly", "invariants", "changeDataFeed"],
    });
  });

  test("with commit times has one in its first commit, and no record of when they began", async () => {
    const { base, clock, log, memory } = await newTable(1, {
      configuration: { "delta.enableInCommitTimestamps": "true" },
    });
    expect(base.timestampMs).toBe(clock.nowMs());
    expect(base.metadata.configuration).toEqual({ "delta.enableInCommitTimestamps": "true" });
    const stored = await memory.get(`${log.path}/_delta_log/00000000000000000000.json`);
    const [first] = new TextDecoder().decode(stored?.bytes).split("\n");
    expect(first).toMatch(new RegExp(`^{"commitInfo":{"inCommitTimestamp":${clock.nowMs()},`));
  });
});
