import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assumed } from "../../../infra/cost/assumptions.ts";
import { priceTable } from "../../../infra/cost/prices.ts";

const program = join(import.meta.dirname, "../../../infra/cost/main.ts");
const asked = ["--events-per-second", "1000", "--event-bytes", "500", "--retention-days", "30"];

function cost(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done) =>
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), stdout, stderr }),
    ),
  );
}

describe("npm run cost", { timeout: 60_000 }, () => {
  it("prints the bill, what it is compared with, every price and every assumption", async () => {
    const { code, stdout, stderr } = await cost(...asked);
    expect([code, stderr]).toEqual([0, ""]);
    for (const { says } of Object.values(assumed)) expect(stdout).toContain(says);
    for (const word of ["Event Hubs", "Functions", "Event Grid", "Databricks jobs cluster", "Stream Analytics", "idle"])
      expect(stdout).toContain(word);
    const shown = Object.values(priceTable).filter(({ unit }) => stdout.includes(unit));
    // The prices of instances that are ready are those of another profile.
    expect(shown.length).toBe(Object.keys(priceTable).length - 1);
  });

  it.for<[string[], string[]]>([
    [
      ["--events-per-second", "0.0001"],
      ["0.0001 events/s of 500 bytes", "With 30 seconds between"],
    ],
    [["--events-per-second", "1234.5"], ["1,234.5 events/s of 500 bytes, kept for 30 days; Capture"]],
    [
      ["--min-interval-seconds", "60"],
      ["30 days, 60 s or more between the batches of a lane; Capture", "With 120 seconds between"],
    ],
    [
      ["--min-interval-seconds", "0.5"],
      ["0.5 s or more between", "With 30 seconds between"],
    ],
  ])("says what %s asked for", async ([more, says]) => {
    const { code, stdout } = await cost(...asked, ...more);
    expect(code).toBe(0);
    for (const text of says) expect(stdout).toContain(text);
    expect(stdout).not.toMatch(/\d e-|e[+-]\d/);
  });

  it("prints the same as JSON, for one pipeline alone", async () => {
    const { stdout } = await cost(...asked, "--pipeline", "sensors", "--no-capture", "--json");
    const made = JSON.parse(stdout);
    expect(made).toMatchObject({ pipelines: ["sensors"], eventsPerSecond: 1_000, capture: false, throughputUnits: 1 });
    expect(made.totalUsd).toBeCloseTo(
      made.lines.reduce((sum: number, { usd }: { usd: number }) => sum + usd, 0),
      6,
    );
  });

  it("tells how it is used", async () => {
    const { code, stdout } = await cost("--help");
    expect([code, stdout]).toEqual([0, expect.stringContaining("--min-interval-seconds")]);
  });

  it.for([
    { args: [], says: "--events-per-second is missing" },
    { args: [...asked.slice(0, 4)], says: "--retention-days is missing" },
    { args: [...asked, "--event-bytes", "0"], says: "Use a number from 1 to 1,048,576" },
    { args: [...asked, "--events-per-second", "1,000"], says: "without separators" },
    { args: [...asked, "--events-per-second", "-5"], says: "--help" },
    { args: [...asked, "--events-per-second", "1200000"], says: "needs 1200 throughput units" },
    { args: [...asked, "--pipeline", "unheard"], says: "There are: flights, customer-events, sensors." },
    { args: [...asked, "--cheaper"], says: "--help" },
    { args: [...asked, "more"], says: "positional arguments. What there is, is told by" },
  ])("refuses $args with what to do", async ({ args, says }) => {
    const { code, stdout, stderr } = await cost(...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain("    at ");
  });
});
