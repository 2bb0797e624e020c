import { tmpdir } from "node:os";
import { relative } from "node:path";
import { expect, it } from "vitest";
import { Peer } from "../../interop/peer.ts";

const programs = new URL("../../interop", import.meta.url).pathname;
const hello = relative(programs, new URL("./hello.mjs", import.meta.url).pathname);

it("a peer's answer is one line, whatever separators of Unicode are in its texts", { timeout: 30_000 }, async () => {
  await using peer = await Peer.start("Hello", process.execPath, hello, tmpdir());
  expect(peer.versions).toEqual({ hello: "1.0" });
  for (const value of ["a\u2028b\u2029c", "\u0085\r\n", { deep: ["\u2028"] }]) {
    expect(await peer.ask("say", { value })).toEqual(value);
  }
});
