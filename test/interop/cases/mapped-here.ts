/** Tables whose columns dyne maps, and that Spark then renames, drops and adds to. */
import { expect } from "vitest";
import { schemaString } from "../../../shared/delta/index.ts";
import {
  array,
  byte,
  date,
  decimal,
  double,
  float,
  integer,
  long,
  map,
  short,
  string,
  struct,
  timestampNtz,
} from "../../../shared/plan/index.ts";
import { appendTexts, mergeById, updateBySql } from "../dyne-steps.ts";
import { canonicalRows } from "../same-rows.ts";
import type { Check, WrittenHere } from "./case.ts";
import { sameRows, statements } from "./checks.ts";
import { create, schemaOf } from "./plain-table.ts";

const schema = schemaOf({
  id: long(),
  "full name": string(),
  where: struct({ "street, no.": string(), geo: struct({ x: integer(), y: integer() }) }),
  tags: array(struct({ k: string(), "v;1": integer() })),
  ages: map(string(), struct({ "in years": integer() })),
  día: date(),
});

const first = [
  '{"id":1,"full name":"Ada","where":{"street, no.":"A 1","geo":{"x":1,"y":2}},"tags":[{"k":"a","v;1":1},null],"ages":[{"key":"now","value":{"in years":36}}],"día":"2024-01-01"}',
  '{"id":2,"full name":null,"where":null,"tags":[],"ages":[],"día":null}',
  '{"id":3,"full name":"Grace","where":{"street, no.":null,"geo":null},"tags":null,"ages":null,"día":"2024-01-01"}',
  '{"id":4,"full name":"Tim","where":{"street, no.":"B 2","geo":{"x":null,"y":5}},"tags":[{"k":null,"v;1":9}],"ages":[{"key":"k","value":null}],"día":"2024-01-02"}',
] as const;

/** Spark changes the columns; dyne appends, updates and merges by the new names, and what is written is known. */
const columnsChange: Check = async (world, path) => {
  await statements(
    world,
    path,
    "ALTER TABLE {t} RENAME COLUMN `full name` TO name",
    "ALTER TABLE {t} RENAME COLUMN `where`.geo.x TO lon",
    "ALTER TABLE {t} RENAME COLUMN `día` TO `the day`",
    "ALTER TABLE {t} DROP COLUMN ages",
    "ALTER TABLE {t} ADD COLUMNS (`full name` INT, `where`.geo.x STRING)",
  );
  await sameRows(world, path);
  const table = world.lake(path);
  await table.append([
    {
      id: 10,
      name: "dyne",
      where: { "street, no.": "C", geo: { lon: 7, y: null, x: "new" } },
      "full name": 1,
      "the day": "2024-02-02",
    },
  ]);
  await updateBySql(table.session, { name: "'updated'" }, "id = 1");
  await statements(
    world,
    path,
    "UPDATE {t} SET `full name` = 5 WHERE id = 4",
    "ALTER TABLE {t} DROP COLUMN `where`.geo.y",
    "OPTIMIZE {t}",
    "DELETE FROM {t} WHERE id = 2",
  );
  await mergeById(world, table.session, schemaString(schemaOf({ id: long(), name: string() })), [
    '{"id":3,"name":"merged"}',
    '{"id":11,"name":"inserted"}',
  ]);
  expect(await sameRows(world, path)).toEqual(
    canonicalRows([
      '{"id":1,"name":"updated","where":{"street, no.":"A 1","geo":{"lon":1,"x":null}},"tags":[{"k":"a","v;1":1},null],"the day":"2024-01-01","full name":null}',
      '{"id":3,"name":"merged","where":{"street, no.":null,"geo":null},"tags":null,"the day":"2024-01-01","full name":null}',
      '{"id":4,"name":"Tim","where":{"street, no.":"B 2","geo":{"lon":null,"x":null}},"tags":[{"k":null,"v;1":9}],"the day":"2024-01-02","full name":5}',
      '{"id":10,"name":"dyne","where":{"street, no.":"C","geo":{"lon":7,"x":"new"}},"tags":null,"the day":"2024-02-02","full name":1}',
      '{"id":11,"name":"inserted","where":null,"tags":null,"the day":null,"full name":null}',
    ]),
  );
};

function mapped(mode: "name" | "id"): WrittenHere {
  return {
    kind: "here",
    feature: `column mapping by ${mode}`,
    title: "columns renamed, dropped and added by Spark",
    async write(world, path) {
      const session = world.session(path);
      const configuration = { "delta.columnMapping.mode": mode, "delta.enableDeletionVectors": String(mode === "id") };
      await create(session, { schema, partitionBy: ["día"] }, configuration);
      await appendTexts(world, session, schemaString(schema), first);
      await world.lake(path).delete("`full name` = 'Tim' AND id = 4");
      await appendTexts(world, session, schemaString(schema), [first[3]]);
      return { versions: [[], first, first.slice(0, 3), first] };
    },
    checks: { "Spark and dyne go on": columnsChange },
  };
}

/** Dyne renames, drops and adds columns itself, between writes; rows are known by every version's columns. */
function altered(mode: "name" | "id"): WrittenHere {
  return {
    kind: "here",
    feature: `column mapping by ${mode}`,
    title: "columns renamed, dropped and added by dyne",
    fromCheckpoint: true,
    async write(world, path) {
      const session = world.session(path);
      const configuration = {
        "delta.columnMapping.mode": mode,
        "delta.enableDeletionVectors": String(mode === "name"),
      };
      await create(session, { schema, partitionBy: ["día"] }, configuration);
      await appendTexts(world, session, schemaString(schema), first.slice(0, 3));
      const table = world.lake(path);
      await table.renameColumn("`full name`", "`its, name`");
      await table.renameColumn("where.geo.x", "lon;");
      await table.renameColumn("día", "the day");
      await table.dropColumns(["ages", "where.geo.y"]);
      await table.addColumns({ ages: integer(), "where.geo.x": string() });
      await table.delete("`its, name` = 'Grace'");
      await table.append([
        { id: 5, "its, name": "new", "the day": "2024-01-03", ages: 7, where: { geo: { "lon;": 3, x: "of x" } } },
      ]);
      const after = [
        '{"id":1,"its, name":"Ada","where":{"street, no.":"A 1","geo":{"lon;":1,"x":null}},"tags":[{"k":"a","v;1":1},null],"the day":"2024-01-01","ages":null}',
        '{"id":2,"its, name":null,"where":null,"tags":[],"the day":null,"ages":null}',
        '{"id":5,"its, name":"new","where":{"street, no.":null,"geo":{"lon;":3,"x":"of x"}},"tags":null,"the day":"2024-01-03","ages":7}',
      ];
      return { versions: [[], first.slice(0, 3), ...Array.from({ length: 6 }, () => undefined), after] };
    },
    checks: {
      "Spark goes on, and dyne too": async (world, path) => {
        await statements(
          world,
          path,
          "UPDATE {t} SET ages = 8, `where`.geo.x = 'Spark' WHERE id = 5",
          "ALTER TABLE {t} RENAME COLUMN ages TO age",
          "INSERT INTO {t} (id, age, `the day`) VALUES (6, 9, DATE'2024-01-03')",
        );
        const table = world.lake(path);
        await table.renameColumn("age", "full name");
        await table.delete("`full name` = 8");
        expect(await sameRows(world, path)).toEqual(
          canonicalRows([
            '{"id":1,"its, name":"Ada","where":{"street, no.":"A 1","geo":{"lon;":1,"x":null}},"tags":[{"k":"a","v;1":1},null],"the day":"2024-01-01","full name":null}',
            '{"id":2,"its, name":null,"where":null,"tags":[],"the day":null,"full name":null}',
            '{"id":6,"its, name":null,"where":null,"tags":null,"the day":"2024-01-03","full name":9}',
          ]),
        );
      },
    },
  };
}

const narrow = schemaOf({
  id: integer(),
  d: decimal(5, 2),
  p: short(),
  f: float(),
  day: date(),
  s: struct({ n: byte(), list: array(integer()) }),
  m: map(string(), integer()),
});

/** Columns, fields and elements get wider types between writes. */
const widened: WrittenHere = {
  kind: "here",
  feature: "type widening",
  readings: { "delta-rs": { refuses: /Unsupported table features required: \[TypeWidening\]/ } },
  fromCheckpoint: true,
  async write(world, path) {
    const session = world.session(path);
    await create(session, { schema: narrow, partitionBy: ["p"] }, { "delta.enableTypeWidening": "true" });
    const row = (id: number, rest: string): string => `{"id":${id},${rest}}`;
    const before = row(
      1,
      '"d":"1.25","p":7,"f":0.5,"day":"2024-02-29","s":{"n":-128,"list":[1,null]},"m":[{"key":"a","value":5}]',
    );
    await appendTexts(world, session, schemaString(narrow), [before]);
    const table = world.lake(path);
    await table.widenColumn("id", long());
    await table.widenColumn("d", decimal(12, 4));
    await table.widenColumn("p", integer());
    await table.widenColumn("f", double());
    await table.widenColumn("day", timestampNtz());
    await table.widenColumn("s.n", short());
    await table.widenColumn("s.list.element", long());
    await table.widenColumn("m.value", double());
    await table.append([
      {
        id: 10_000_000_000n,
        d: "12345678.1234",
        p: 100_000,
        f: 1e300,
        day: "9999-12-31T23:59:59.999999",
        s: { n: 300, list: [2n ** 62n] },
        m: { b: 0.1 },
      },
    ]);
    const after = [
      row(
        1,
        '"d":"1.2500","p":7,"f":0.5,"day":"2024-02-29T00:00:00.000000","s":{"n":-128,"list":[1,null]},"m":[{"key":"a","value":5}]',
      ),
      row(
        10_000_000_000,
        '"d":"12345678.1234","p":100000,"f":1e300,"day":"9999-12-31T23:59:59.999999","s":{"n":300,"list":[4611686018427387904]},"m":[{"key":"b","value":0.1}]',
      ),
    ];
    return { versions: [[], [before], ...Array.from({ length: 8 }, () => undefined), after] };
  },
  checks: {
    "Spark widens and writes, and dyne goes on": async (world, path) => {
      await statements(
        world,
        path,
        "INSERT INTO {t} (id, d, p) VALUES (3, 2.5, 7)",
        "ALTER TABLE {t} ALTER COLUMN d TYPE DECIMAL(20,6)",
        "UPDATE {t} SET d = d + 0.000001 WHERE id = 1",
      );
      const table = world.lake(path);
      await table.append([{ id: 4, d: "99999999999999.999999", p: 7 }]);
      await table.delete("id = 3");
      expect((await table.optimize()).kind).toBe("committed");
      await sameRows(world, path);
    },
  },
};

/** A table of names as they are in files, to which mapping is added later. */
const upgraded: WrittenHere = {
  kind: "here",
  feature: "column mapping by name",
  title: "of an older table",
  async write(world, path) {
    const session = world.session(path);
    await create(session, { schema: schemaOf({ id: long(), note: string() }), partitionBy: [] }, {});
    await world.lake(path).append([{ id: 1, note: "before" }]);
    await world.lake(path).setProperties({ "delta.columnMapping.mode": "name" });
    await world.lake(path).append([{ id: 2, note: "after" }]);
    const rows = ['{"id":1,"note":"before"}', '{"id":2,"note":"after"}'] as const;
    return { versions: [[], rows.slice(0, 1), rows.slice(0, 1), rows] };
  },
  checks: {
    "Spark renames a column of it, and both go on": async (world, path) => {
      await statements(
        world,
        path,
        "ALTER TABLE {t} RENAME COLUMN note TO `its note`",
        "INSERT INTO {t} VALUES (3, 'Spark')",
      );
      await world.lake(path).append([{ id: 4, "its note": "dyne" }]);
      await world.lake(path).delete("`its note` = 'before'");
      expect(await sameRows(world, path)).toEqual(
        canonicalRows(['{"id":2,"its note":"after"}', '{"id":3,"its note":"Spark"}', '{"id":4,"its note":"dyne"}']),
      );
    },
  },
};

/** All of them. */
export const mappedHere: readonly WrittenHere[] = [
  mapped("name"),
  mapped("id"),
  altered("name"),
  altered("id"),
  upgraded,
  widened,
];
