/** `npm run dev` starts again when a pipeline is saved, survives one that does not load, and ends in good order. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ownerOf } from "../../local/platform/index.ts";
import { killTree } from "./process-tree.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const copied = ["cli", "functions", "local", "pipelines", "shared", "host.json", "package.json"];

/** A checkout of its own, whose pipelines can be changed. */
async function checkoutIn(folder: string): Promise<string> {
  const checkout = join(folder, "checkout");
  for (const name of copied) await cp(join(root, name), join(checkout, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(checkout, "node_modules"));
  return checkout;
}

/** A function file beside the checkout's own. */
const ping = `import { app } from "@azure/functions";
app.get("ping", { route: "ping/{name}", handler: ({ params }) => ({ jsonBody: [params.name, process.env["DYNE_AUTH"]] }) });
`;

/** `dyne dev`, and what it says. */
function startDev(checkout: string, data: string) {
  const child = spawn(process.execPath, [join(checkout, "cli/dyne.ts"), "dev", "--data", data], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines = createInterface(child.stderr)[Symbol.asyncIterator]();
  const until = async (text: string): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`it ended, and never said "${text}"`);
      if (value.includes(text)) return value;
    }
  };
  return {
    child,
    until,
    exited: once(child, "exit") as Promise<[number | null, string | null]>,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await killTree(child.pid ?? 0);
    },
  };
}

it(
  "a pipeline that is saved is running a moment later, at the same addresses, and one that does not load is waited for",
  { timeout: 90_000 },
  async () => {
    await using folder = await temporaryFolder();
    const checkout = await checkoutIn(folder.path);
    const pipelines = join(checkout, "pipelines/index.ts");
    const working = await readFile(pipelines, "utf8");
    await writeFile(join(checkout, "functions/ping.ts"), ping);
    await using dev = startDev(checkout, join(folder.path, "data"));
    const { until } = dev;
    const api = await until("API         ");
    const hub = await until("Event Hubs  ");
    await until("running; Ctrl-C stops");
    expect(await (await fetch(`${api.split(/\s+/)[1]}/ping/pong`)).json()).toEqual(["pong", "local"]);
    await writeFile(pipelines, `${working}\nthrow new Error("no pipeline");\n`);
    await until("starting again");
    await until("no pipeline");
    await until("it starts again when a file in pipelines/ is saved");
    // As editors do that write beside the file and put that in its place; a watch of the file would not see the second.
    const save = async (text: string) => {
      await writeFile(`${pipelines}.new`, text);
      await rename(`${pipelines}.new`, pipelines);
    };
    await save(`${working}\nthrow new Error("still no pipeline");\n`);
    await until("still no pipeline");
    await until("it starts again when a file in pipelines/ is saved");
    await save(working);
    expect(await until("API         "), "the address of those who ask").toBe(api);
    expect(await until("Event Hubs  "), "the connection string of senders").toBe(hub);
    await until("running; Ctrl-C stops");
    dev.child.kill("SIGINT");
    await until("stopping (SIGINT)");
    expect(await dev.exited).toEqual([0, null]);
  },
);

it("nothing goes on where the command is killed", { timeout: 60_000 }, async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, "data");
  await using dev = startDev(root, data);
  await dev.until("running; Ctrl-C stops");
  dev.child.kill("SIGKILL");
  await dev.until("stopping (who started it has ended)");
  await expect.poll(() => ownerOf(data), { timeout: 20_000 }).toBeUndefined();
});
