/** Tables of the protocol versions that Spark still makes, which dyne changes, and leaves at their versions. */
import { expect } from "vitest";
import { stepByStep, plain, rows, type Properties } from "./plain-table.ts";
import type { Check, WrittenHere } from "./case.ts";
import { detailIsTold, sameRows, statements } from "./checks.ts";

interface Protocol {
  readonly reader: number;
  readonly writer: number;
  readonly properties?: Properties;
  /** Both go on after everybody has read it. */
  readonly goesOn?: true;
}

/** Columns that the rules for mapping, change feeds and vectors concern; no version of the table but the newest is looked at. */
function ofProtocol({ reader, writer, properties = {}, goesOn }: Protocol): WrittenHere {
  const hasFeed = properties["delta.enableChangeDataFeed"] === "true";
  return {
    kind: "here",
    feature: "protocol versions",
    title: `reader ${reader}, writer ${writer}`,
    async write(world, path) {
      const versions = writer < 7 ? { "delta.minReaderVersion": reader, "delta.minWriterVersion": writer } : {};
      const all = { "delta.enableDeletionVectors": "false", ...versions, ...properties };
      const listed = Object.entries(all).map(([key, value]) => `'${key}' = '${value}'`);
      const columns = "(id BIGINT, note STRING, day DATE) USING delta PARTITIONED BY (day)";
      await statements(world, path, `CREATE TABLE {t} ${columns} TBLPROPERTIES (${listed.join(", ")})`);
      const before = (await world.session(path).table.latest()).protocol;
      expect(before).toMatchObject({ minReaderVersion: reader, minWriterVersion: writer });
      const { versions: made } = await stepByStep(world, world.session(path), plain, steps);
      expect((await world.session(path).table.latest()).protocol).toEqual(before);
      return {
        versions: made.map((version, i) => (i === made.length - 1 ? version.rows : undefined)),
        ...(hasFeed && { changes: made.map(({ changes }) => changes) }),
      };
    },
    checks: {
      "Spark's detail is dyne's": detailIsTold,
      ...(goesOn && { "Spark goes on, and dyne too": bothGoOn }),
    },
  };
}

const steps = [...plain.steps.slice(0, 4), { kind: "append", rows: rows(40, 41) }] as const;

const bothGoOn: Check = async (world, path) => {
  await statements(world, path, "DELETE FROM {t} WHERE id IN (3, 40)");
  await world.lake(path).delete("id = 4");
  await sameRows(world, path);
};

const times: Properties = { "delta.enableInCommitTimestamps": "true" };
const byName: Properties = { "delta.columnMapping.mode": "name" };

/** All of them: version 2 is that of every plain table. What version 6 brings is refused where a table uses it: see the tables of the peers. */
export const protocolsHere: readonly WrittenHere[] = [
  ofProtocol({ reader: 1, writer: 1 }),
  ofProtocol({ reader: 1, writer: 3 }),
  ofProtocol({ reader: 1, writer: 4, properties: { "delta.enableChangeDataFeed": "true" } }),
  ofProtocol({ reader: 1, writer: 6 }),
  ofProtocol({ reader: 1, writer: 7, properties: times }),
  ofProtocol({ reader: 2, writer: 5, properties: byName }),
  ofProtocol({ reader: 2, writer: 6, properties: byName }),
  ofProtocol({ reader: 2, writer: 7, properties: { ...byName, ...times }, goesOn: true }),
  ofProtocol({
    reader: 3,
    writer: 7,
    properties: {
      ...times,
      "delta.columnMapping.mode": "id",
      "delta.enableDeletionVectors": "true",
      "delta.checkpointPolicy": "v2",
    },
    goesOn: true,
  }),
];
