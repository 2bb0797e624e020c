import { describe, expect, it } from "vitest";
import { canonicalJson, long, planFingerprint, read, string, struct } from "../../../shared/plan/index.ts";

const query = (name = "t") => read({ name, schema: struct({ a: string(), b: long() }) }).filter(({ b }) => b.gt(5n));

describe("the fingerprint of a plan", () => {
  it("is the same for equal plans, however their objects were made", () => {
    expect(planFingerprint(query().plan)).toBe(planFingerprint(query().plan));
    expect(canonicalJson({ b: 1, a: { d: undefined, c: 5n } })).toBe('{"a":{"c":{"$bigint":"5"}},"b":1}');
  });

  it("does not count comments", () => {
    const schema = struct({ a: string(), b: long() });
    const commented = {
      ...schema,
      fields: { ...schema.fields, a: { type: string(), nullable: true, metadata: { comment: "the name" } } },
    };
    const plain = read({ name: "t", schema }).plan;
    expect(planFingerprint({ ...plain, schema: commented } as typeof plain)).toBe(planFingerprint(plain));
  });

  it("changes with the table, a literal, a type, and the order of columns", () => {
    const variants = [
      query().plan,
      query("u").plan,
      read({ name: "t", schema: struct({ a: string(), b: long() }) }).filter(({ b }) => b.gt(6n)).plan,
      read({ name: "t", schema: struct({ b: long(), a: string() }) }).filter(({ b }) => b.gt(5n)).plan,
      read({ name: "t", schema: struct({ a: string(), b: long() }) }).filter(({ b }) => b.ge(5n)).plan,
    ];
    expect(new Set(variants.map((plan) => planFingerprint(plan))).size).toBe(variants.length);
    expect(planFingerprint(query().plan, { partitionBy: ["a"] })).not.toBe(planFingerprint(query().plan));
  });

  it("stays what it is from release to release", () => {
    expect(planFingerprint(query().plan)).toBe("1cc7110718efac1270cb14c3e14ca4f8e5f18fe2bf5014822af98b13ca5df54b");
  });
});
