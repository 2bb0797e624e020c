import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packagePath } from "./azure.ts";
import { deploy } from "./deployment.ts";

const infra = join(import.meta.dirname, "../../infra");
const folder = mkdtempSync(join(tmpdir(), "dyne-code-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the code of the app", () => {
  it("is known to the stack by its hash and its publishing host, after the app and its roles", async () => {
    const deployment = await deploy();
    const sha256 = createHash("sha256").update(readFileSync(packagePath)).digest("hex");
    const { publishUrl } = deployment.outputs;
    expect(publishUrl).toMatch(/^https:\/\/.*\.scm\.azurewebsites\.net\/api\/publish$/);
    expect(deployment.get("app/code").inputs).toEqual({ input: { sha256, publishUrl } });
    const before = [
      "app",
      ...deployment
        .all("authorization:RoleAssignment")
        .flatMap(({ name }) => (name.startsWith("role/app/") ? name : [])),
    ];
    expect(before.length).toBeGreaterThan(5);
    for (const name of before) expect([name, deployment.isAfter("app/code", name)]).toEqual([name, true]);
  });

  it("changes nothing else where it changes", async () => {
    const path = join(folder, "other.zip");
    writeFileSync(path, Buffer.concat([readFileSync(packagePath), Buffer.from("more")]));
    const [one, other] = [await deploy(), await deploy({ config: { "dyne:package": relative(infra, path) } })];
    const changed = one.resources.filter(
      ({ name, inputs }) => JSON.stringify(inputs) !== JSON.stringify(other.get(name).inputs),
    );
    expect(changed.map(({ name }) => name)).toEqual(["app/code"]);
  });

  it("is left as it is where the stack says so", async () => {
    const { resources } = await deploy({ config: { "dyne:package": "none" } });
    expect(resources.map(({ type }) => type)).not.toContain("pulumi:index:Stash");
  });

  it.for([
    { what: "is not there", path: join(folder, "absent.zip"), says: "The package cannot be read: ENOENT" },
    { what: "is no zip", path: join(infra, "index.ts"), says: "index.ts is no zip file" },
  ])("is refused where the package $what, with the command that makes one", async ({ path, says }) => {
    const refusal = await deploy({ config: { "dyne:package": path } }).catch((error: Error) => error.message);
    expect(refusal).toContain(says);
    expect(refusal).toContain("npm run build -- --zip dist.zip");
  });
});
