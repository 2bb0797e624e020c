/** Which columns can be added, renamed, dropped and widened, and what the log then says. */
import { describe, expect, test } from "vitest";
import { schemaString, typeChangesKey, type TableDefinition } from "../../../../shared/delta/index.ts";
import type { DataType, Schema, StructField } from "../../../../shared/plan/index.ts";
import {
  addColumns,
  addConstraint,
  DeltaTable,
  dropColumns,
  renameColumn,
  setProperties,
  widenColumn,
} from "../../../../shared/table/index.ts";
import { FaultyStore } from "../../../support/faulty-store.ts";
import { append, newTable } from "../../delta/table-under-test.ts";

const integer: DataType = { kind: "integer" };
const long: DataType = { kind: "long" };
const string: DataType = { kind: "string" };
const nullable = (type: DataType, metadata?: Record<string, unknown>): StructField => ({
  type,
  nullable: true,
  ...(metadata && { metadata }),
});
const struct = (fields: Record<string, StructField>): Schema => ({ kind: "struct", fields });

const schema = struct({
  id: nullable(long),
  n: nullable(integer),
  place: nullable(struct({ city: nullable(string), zip: nullable(integer) })),
  tags: nullable({ kind: "array", element: struct({ size: nullable(integer) }), containsNull: true }),
  sizes: nullable({
    kind: "map",
    key: string,
    value: { kind: "array", element: integer, containsNull: true },
    valueContainsNull: true,
  }),
  day: nullable({ kind: "date" }),
});
const mapped = { "delta.columnMapping.mode": "name" };
const widening = { "delta.enableTypeWidening": "true" };

async function tableOf(definition: Partial<TableDefinition> = {}) {
  const under = await newTable(1, { schema, partitionBy: ["day"], ...definition });
  return { ...under, table: new DeltaTable(under.log) };
}

async function lastOperation(table: DeltaTable) {
  const { version } = await table.latest();
  const { commitInfo } = (await table.changes(version - 1, version))[0]!;
  return [commitInfo?.operation, commitInfo?.operationParameters];
}

const fieldsOf = (type: DataType): Readonly<Record<string, StructField>> => (type.kind === "struct" ? type.fields : {});
const namesOf = (type: DataType) => Object.keys(fieldsOf(type)).join(" ");
const mappingOf = ({ metadata }: StructField) => [
  metadata?.["delta.columnMapping.id"],
  metadata?.["delta.columnMapping.physicalName"],
];
const maxId = async (table: DeltaTable) =>
  Number((await table.latest()).metadata.configuration["delta.columnMapping.maxColumnId"]);

describe("added columns", () => {
  test("come last and are nullable, in the table, in a struct and in the structs of an array", async () => {
    const { table } = await tableOf();
    const outcome = await addColumns({ table }, { note: string, "PLACE.street": string, "tags.element.`a.b`": long });
    expect(outcome).toEqual({ kind: "committed", version: 1 });
    const { schema: now } = await table.latest();
    expect(namesOf(now)).toBe("id n place tags sizes day note");
    expect(namesOf(fieldsOf(now)["place"]!.type)).toBe("city zip street");
    const tags = fieldsOf(now)["tags"]!.type;
    expect(tags.kind === "array" && fieldsOf(tags.element)["a.b"]).toEqual(nullable(long));
    expect(await lastOperation(table)).toEqual([
      "ADD COLUMNS",
      {
        columns: JSON.stringify(
          [
            ["note", "string"],
            ["place.street", "string"],
            ["tags.element.`a.b`", "long"],
          ].map(([name, type]) => ({ column: { name, type, nullable: true, metadata: {} } })),
        ),
      },
    ]);
  });

  test("may be in a struct that is added with them", async () => {
    const { table } = await tableOf();
    await addColumns({ table }, { more: struct({ a: nullable(long) }), "more.b": long });
    expect(namesOf(fieldsOf((await table.latest()).schema)["more"]!.type)).toBe("a b");
  });

  test("raise the protocol where their type asks for it", async () => {
    const { table } = await tableOf();
    await addColumns({ table }, { at: { kind: "timestamp_ntz" } });
    expect((await table.latest()).protocol).toMatchObject({ minReaderVersion: 3, readerFeatures: ["timestampNtz"] });
  });

  test("of a table that maps its columns have ids and names that none ever had, at every depth", async () => {
    const { table } = await tableOf({ configuration: mapped });
    const before = await maxId(table);
    await addColumns({ table }, { more: struct({ a: nullable(long) }), "place.street": string });
    const fields = fieldsOf((await table.latest()).schema);
    const added = [fields["more"]!, fieldsOf(fields["more"]!.type)["a"]!, fieldsOf(fields["place"]!.type)["street"]!];
    expect(new Set(added.map((field) => mappingOf(field)[0]))).toEqual(new Set([before + 1, before + 2, before + 3]));
    for (const field of added) expect(mappingOf(field)[1]).toMatch(/^col-[\da-f-]{36}$/);
    expect(await maxId(table)).toBe(before + 3);
  });

  test.each([
    ["a name that is there in another case", { ID: long }, "DUPLICATE_NAME", /has id already/],
    ["a field that is there", { "place.CITY": string }, "DUPLICATE_NAME", /has place.city already/],
    ["two of one name", { x: long, X: long }, "DUPLICATE_NAME", /has x already/],
    ["a struct that is not there", { "plce.street": string }, "UNKNOWN_COLUMN", /Did you mean place\?/],
    ["a column without fields", { "id.x": long }, "INVALID_ARGUMENT", /id is BIGINT, which has no fields/i],
    ["an array itself", { "tags.x": long }, "INVALID_ARGUMENT", /tags is ARRAY.*, which has no fields/i],
    ["a character that files cannot have", { "a;b": long }, "INVALID_ARGUMENT", /without column mapping/],
    ["such a character within", { s: struct({ "a b": nullable(long) }) }, "INVALID_ARGUMENT", /"s\.a b"/],
    ["no name", { "``": long }, "INVALID_ARGUMENT", /names no columns/],
    [
      "two fields that differ in case",
      { s: struct({ a: nullable(long), A: nullable(long) }) },
      "DUPLICATE_NAME",
      /s\.A/,
    ],
    ["variants", { v: { kind: "variant" } }, "UNSUPPORTED_FEATURE", /variant/],
    [
      "a name that queries have of their own",
      { __Dyne_x: integer },
      "INVALID_ARGUMENT",
      /does not begin with "__dyne"/,
    ],
    ["such a field", { "place.__dyne_x": integer }, "INVALID_ARGUMENT", /"__dyne_x" is a name that dyne cannot read/],
    ["such a field within", { s: struct({ __dyne: nullable(long) }) }, "INVALID_ARGUMENT", /"s\.__dyne" cannot be/],
    ["a name that objects have", { ["__proto__"]: integer }, "INVALID_ARGUMENT", /is not "__proto__"/],
    ["such a name in an array", { "tags.element.__proto__": integer }, "INVALID_ARGUMENT", /is not "__proto__"/],
    ["half a character", { "a\ud800": integer }, "INVALID_ARGUMENT", /is all text/],
  ] satisfies [string, Record<string, DataType>, string, RegExp][])(
    "cannot have %s",
    async (_, columns, code, message) => {
      const { table } = await tableOf();
      const adding = addColumns({ table }, columns);
      await expect(adding).rejects.toMatchObject({ code });
      await expect(adding).rejects.toThrow(message);
      expect((await table.latest()).version).toBe(0);
    },
  );

  test("of a table with a change feed are not called as the feed's own", async () => {
    const { table } = await tableOf({ configuration: { "delta.enableChangeDataFeed": "true" } });
    await expect(addColumns({ table }, { _change_type: string })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a renamed column", () => {
  test("keeps its id and its name in files, and a partition column stays one", async () => {
    const { table, base } = await tableOf({
      configuration: { ...mapped, "delta.dataSkippingStatsColumns": "id,place.city,n" },
    });
    await renameColumn({ table }, "place.CITY", "`town, or city`");
    await renameColumn({ table }, "day", "date");
    await renameColumn({ table }, "place", "Place");
    const { schema: now, partitionBy, metadata } = await table.latest();
    expect(namesOf(now)).toBe("id n Place tags sizes date");
    const [was, is] = [fieldsOf(base.schema), fieldsOf(now)];
    expect(mappingOf(is["date"]!)).toEqual(mappingOf(was["day"]!));
    expect(mappingOf(fieldsOf(is["Place"]!.type)["town, or city"]!)).toEqual(
      mappingOf(fieldsOf(was["place"]!.type)["city"]!),
    );
    expect([partitionBy, metadata.configuration["delta.dataSkippingStatsColumns"]]).toEqual([
      ["date"],
      "id,Place.`town, or city`,n",
    ]);
    expect(await lastOperation(table)).toEqual(["RENAME COLUMN", { oldColumnPath: "place", newColumnPath: "Place" }]);
  });

  test("of its own name is no commit", async () => {
    const { table } = await tableOf({ configuration: mapped });
    expect(await renameColumn({ table }, "id", "id")).toEqual({ kind: "unchanged", version: 0 });
  });

  test("of a table that did not map its columns is called in files as it was, once the property is set", async () => {
    const { table } = await tableOf();
    await expect(renameColumn({ table }, "n", "m")).rejects.toThrow("Set delta.columnMapping.mode to name first");
    await setProperties({ table }, mapped);
    expect((await table.latest()).protocol).toMatchObject({ minReaderVersion: 2, minWriterVersion: 7 });
    await renameColumn({ table }, "n", "m");
    const { schema: now } = await table.latest();
    expect(mappingOf(fieldsOf(now)["m"]!)).toEqual([2, "n"]);
    expect(await maxId(table)).toBe(9);
  });

  test.each([
    ["one that is there", "id", "N", "DUPLICATE_NAME"],
    ["none", "id", "", "INVALID_ARGUMENT"],
    ["one that the change feed has", "id", "_commit_version", "INVALID_ARGUMENT"],
    ["a path", "place.city", "place.town", "INVALID_ARGUMENT"],
    ["several names", "id", "a,b", "INVALID_ARGUMENT"],
    ["one that queries have of their own", "id", "__dyne_x", "INVALID_ARGUMENT"],
    ["such a one within a struct", "place.city", "__DYNE", "INVALID_ARGUMENT"],
    ["one that objects have", "tags.element.size", "__proto__", "INVALID_ARGUMENT"],
  ])("cannot have %s as its name", async (_, from, to, code) => {
    const { table } = await tableOf({ configuration: { ...mapped, "delta.enableChangeDataFeed": "true" } });
    await expect(renameColumn({ table }, from, to)).rejects.toMatchObject({ code });
    expect((await table.latest()).version).toBe(0);
  });

  test("has the name that the text spells, which can be told again by it", async () => {
    const { table } = await tableOf({ configuration: mapped });
    await renameColumn({ table }, "id", "`a.b`");
    expect(namesOf((await table.latest()).schema)).toBe("a.b n place tags sizes day");
    await renameColumn({ table }, "`a.b`", "`say ``id```");
    await renameColumn({ table }, "n", "full name");
    expect(Object.keys((await table.latest()).schema.fields)).toEqual([
      "say `id`",
      "full name",
      ...["place", "tags", "sizes", "day"],
    ]);
  });

  test("has to be there, and to be a field", async () => {
    const { table } = await tableOf({ configuration: mapped });
    await expect(renameColumn({ table }, "idd", "x")).rejects.toMatchObject({ code: "UNKNOWN_COLUMN" });
    await expect(renameColumn({ table }, "tags.element", "x")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a dropped column", () => {
  test("is gone with its statistics setting, and one that is added by its name is another", async () => {
    const { table, base } = await tableOf({
      configuration: { ...mapped, "delta.dataSkippingStatsColumns": "id,place.city,place.zip,n" },
    });
    const before = await maxId(table);
    expect(await dropColumns({ table }, ["n", "place.zip"])).toEqual({ kind: "committed", version: 1 });
    expect(await lastOperation(table)).toEqual(["DROP COLUMNS", { columns: '["n","place.zip"]' }]);
    expect((await table.latest()).metadata.configuration["delta.dataSkippingStatsColumns"]).toBe("id,place.city");
    await addColumns({ table }, { n: integer });
    const { schema: now } = await table.latest();
    expect(namesOf(now)).toBe("id place tags sizes day n");
    expect(mappingOf(fieldsOf(now)["n"]!)[0]).toBe(before + 1);
    expect(mappingOf(fieldsOf(now)["n"]!)[1]).not.toBe(mappingOf(fieldsOf(base.schema)["n"]!)[1]);
  });

  test("that had the greatest id does not give it to the next one", async () => {
    const { table } = await tableOf({ configuration: mapped });
    const before = await maxId(table);
    await dropColumns({ table }, ["sizes", "tags"]);
    expect(await maxId(table)).toBe(before);
    await addColumns({ table }, { x: long });
    expect(await maxId(table)).toBe(before + 1);
  });

  test.each([
    ["a column that rows are partitioned by", ["day"], mapped, "INVALID_ARGUMENT", /partitioned by day/],
    [
      "all of a struct's fields",
      ["place.city", "place.zip"],
      mapped,
      "INVALID_ARGUMENT",
      /place of .* without a column/,
    ],
    [
      "all but partition columns",
      ["id", "n", "place", "tags", "sizes"],
      mapped,
      "INVALID_ARGUMENT",
      /without a column/,
    ],
    ["one column twice", ["id", "ID"], mapped, "UNKNOWN_COLUMN", /no ID/],
    ["any where columns are not mapped", ["id"], {}, "INVALID_ARGUMENT", /Set delta.columnMapping.mode to name first/],
  ])("cannot be %s", async (_, columns, configuration, code, message) => {
    const { table } = await tableOf({ configuration });
    const dropping = dropColumns({ table }, columns);
    await expect(dropping).rejects.toMatchObject({ code });
    await expect(dropping).rejects.toThrow(message);
    expect((await table.latest()).version).toBe(0);
  });
});

describe("a rule of the table", () => {
  const rules = [
    ["a constraint", { "delta.constraints.c": "n > 0 AND place.city <> ''" }, {}],
    [
      "a generated column",
      {},
      { twice: nullable(integer, { "delta.generationExpression": "n * length(place.city)" }) },
    ],
    [
      "an invariant",
      {},
      { other: nullable(long, { "delta.invariants": '{"expression":{"expression":"n > 0 OR place.city = \'\'"}}' }) },
    ],
  ] as const;
  test.each(rules)(
    "such as %s keeps the columns that it uses as they are, and no other",
    async (_, properties, fields) => {
      const { table } = await tableOf({
        schema: struct({ ...fieldsOf(schema), ...fields }),
        configuration: { ...mapped, ...widening },
      });
      const { metadata } = await table.latest();
      if (Object.keys(properties).length > 0)
        await table.commit({
          actions: [
            {
              protocol: {
                ...(await table.latest()).protocol,
                writerFeatures: [...((await table.latest()).protocol.writerFeatures ?? []), "checkConstraints"],
              },
            },
            { metaData: { ...metadata, configuration: { ...metadata.configuration, ...properties } } },
          ],
          isBlindAppend: false,
          operation: "ADD CONSTRAINT",
        });
      for (const alter of [
        () => renameColumn({ table }, "n", "m"),
        () => dropColumns({ table }, ["N"]),
        () => widenColumn({ table }, "n", long),
        () => renameColumn({ table }, "place.city", "town"),
        () => dropColumns({ table }, ["place"]),
      ])
        await expect(alter()).rejects.toThrow(/uses it/);
      expect(await dropColumns({ table }, ["place.zip", "id"])).toMatchObject({ kind: "committed" });
    },
  );

  test("that is dropped holds nothing any more", async () => {
    const { table } = await tableOf({ configuration: mapped });
    const session = { table, compute: undefined as never };
    await addConstraint(session, "c", "n > 0");
    await expect(dropColumns({ table }, ["n"])).rejects.toThrow(/c uses it \(n > 0\)/);
  });
});

describe("a widened column", () => {
  test.each([
    ["n", long, "n", [{ fromType: "integer", toType: "long" }]],
    ["n", { kind: "double" }, "n", [{ fromType: "integer", toType: "double" }]],
    ["n", { kind: "decimal", precision: 12, scale: 2 }, "n", [{ fromType: "integer", toType: "decimal(12,2)" }]],
    ["day", { kind: "timestamp_ntz" }, "day", [{ fromType: "date", toType: "timestamp_ntz" }]],
    ["sizes.value.element", long, "sizes", [{ fromType: "integer", toType: "long", fieldPath: "value.element" }]],
  ] satisfies [string, DataType, string, object[]][])(
    "%s as %j lists the change at its field",
    async (path, type, field, changes) => {
      const { table } = await tableOf({ configuration: widening });
      expect(await widenColumn({ table }, path, type)).toEqual({ kind: "committed", version: 1 });
      const { schema: now, protocol } = await table.latest();
      expect(fieldsOf(now)[field]!.metadata?.[typeChangesKey]).toEqual(changes);
      expect(protocol.readerFeatures).toContain("typeWidening");
    },
  );

  test("within structs lists the change at the field nearest to it, after those before", async () => {
    const { table } = await tableOf({ configuration: { ...widening, ...mapped } });
    const tags = () => table.latest().then((snapshot) => fieldsOf(snapshot.schema)["tags"]!);
    await widenColumn({ table }, "Tags.element.Size", long);
    expect(await widenColumn({ table }, "tags.element.size", long)).toEqual({ kind: "unchanged", version: 1 });
    await widenColumn({ table }, "tags.element.size", { kind: "decimal", precision: 20, scale: 0 });
    const { type, metadata } = await tags();
    expect(metadata?.[typeChangesKey]).toBeUndefined();
    expect(type.kind === "array" && fieldsOf(type.element)["size"]!.metadata?.[typeChangesKey]).toEqual([
      { fromType: "integer", toType: "long" },
      { fromType: "long", toType: "decimal(20,0)" },
    ]);
    await renameColumn({ table }, "tags.element.size", "length");
    const renamed = (await tags()).type;
    expect(renamed.kind === "array" && fieldsOf(renamed.element)["length"]!.metadata?.[typeChangesKey]).toHaveLength(2);
  });

  test.each([
    ["to a narrower type", "id", integer, "INVALID_ARGUMENT", /no wider type/],
    ["to a type of another kind", "n", string, "INVALID_ARGUMENT", /no wider type/],
    [
      "that is a struct",
      "place",
      struct({ city: nullable(string), zip: nullable(long) }),
      "INVALID_ARGUMENT",
      /no wider/,
    ],
    ["where it is not there", "sizes.element", long, "UNKNOWN_COLUMN", /There is key, value/],
  ] satisfies [string, string, DataType, string, RegExp][])("is refused %s", async (_, path, type, code, message) => {
    const { table } = await tableOf({ configuration: widening });
    const changing = widenColumn({ table }, path, type);
    await expect(changing).rejects.toMatchObject({ code });
    await expect(changing).rejects.toThrow(message);
  });

  test("is refused where the table's property does not allow it", async () => {
    const { table } = await tableOf();
    await expect(widenColumn({ table }, "n", long)).rejects.toThrow("set delta.enableTypeWidening to true first");
  });

  test("is refused where texts of partitions would mean other numbers", async () => {
    const { table } = await tableOf({
      schema: struct({ id: nullable(long), by: nullable({ kind: "float" }) }),
      partitionBy: ["by"],
      configuration: widening,
    });
    await expect(widenColumn({ table }, "by", { kind: "double" })).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
    });
  });
});

describe("an alteration of columns", () => {
  const alterations = [
    ["adding", (table: DeltaTable) => addColumns({ table }, { x: long })],
    ["renaming", (table: DeltaTable) => renameColumn({ table }, "n", "m")],
    ["dropping", (table: DeltaTable) => dropColumns({ table }, ["n"])],
    ["widening", (table: DeltaTable) => widenColumn({ table }, "n", long)],
  ] as const;

  test.each(alterations)("by %s goes on top of an append, and defeats whoever began before it", async (_, alter) => {
    const { memory, over, random, base } = await newTable(1, { schema, configuration: { ...mapped, ...widening } });
    let puts = 0;
    const store = new FaultyStore(memory, {
      random,
      before: async ({ name }) => {
        if (name === "putIfAbsent" && ++puts === 1) await new DeltaTable(over(memory)).commit(append(base, "a"));
      },
    });
    expect(await alter(new DeltaTable(over(store)))).toEqual({ kind: "committed", version: 2 });
    const late = await new DeltaTable(over(memory)).commit(append(base, "b"));
    expect(late).toMatchObject({ kind: "conflict", reason: "metadata-changed", version: 2 });
  });

  test.each(alterations)("by %s is a conflict with another that came first, and changes nothing", async (_, alter) => {
    const { memory, over, random } = await newTable(1, { schema, configuration: { ...mapped, ...widening } });
    const other = new DeltaTable(over(memory));
    let puts = 0;
    const store = new FaultyStore(memory, {
      random,
      before: async ({ name }) => {
        if (name === "putIfAbsent" && ++puts === 1) await renameColumn({ table: other }, "id", "key");
      },
    });
    expect(await alter(new DeltaTable(over(store)))).toMatchObject({ kind: "conflict", reason: "metadata-changed" });
    const { schema: now, version } = await other.latest();
    expect([version, namesOf(now)]).toEqual([1, "key n place tags sizes day"]);
  });

  test("keeps what other fields have in their metadata", async () => {
    const comment = { comment: "how many" };
    const { table, base } = await tableOf({
      schema: struct({ ...fieldsOf(schema), n: nullable(integer, comment) }),
      configuration: { ...mapped, ...widening },
    });
    await widenColumn({ table }, "n", long);
    await renameColumn({ table }, "id", "key");
    const { schema: now } = await table.latest();
    expect(fieldsOf(now)["n"]!.metadata).toMatchObject(comment);
    expect(schemaString(now)).not.toBe(schemaString(base.schema));
  });
});
