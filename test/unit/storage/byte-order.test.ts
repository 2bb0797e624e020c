import fc from "fast-check";
import { expect, test } from "vitest";
import { compareUtf8 } from "../../../shared/storage/index.ts";

test("texts are ordered as their UTF-8 bytes are", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "/", "-", "\uD7FF", "\uE000", "\uFF5E", "\u{10000}", "\u{1F600}"),
    maxLength: 6,
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
