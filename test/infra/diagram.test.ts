import { describe, expect, it } from "vitest";
import {
  count,
  definePipeline,
  eventHub,
  materializedView,
  read,
  streamingTable,
} from "../../shared/pipeline/index.ts";
import { deploy } from "./deployment.ts";
import { readGuide } from "./diagram/guide-section.ts";
import { securityDiagram } from "./diagram/security-diagram.ts";

it("docs/deploy.md shows the program as it is", async () => {
  const { is, shall } = await readGuide();
  expect(is === shall, "The diagrams are of another program. Write them anew: npm run infra:diagram").toBe(true);
});

describe("the diagrams", async () => {
  const deployment = await deploy();
  const [rights = "", data = ""] = securityDiagram(deployment).split("Which way data takes");

  it("have an arrow for each right, and no other", () => {
    const drawn = [...rights.matchAll(/identity_(\w+)\(\["[^"]+"\]\) -->\|([^|]+)\| \w+\["([^"]+)"\]/g)];
    expect(
      drawn.map(([, identity, role, place]) => `role/${identity}/${place}/${role?.replaceAll(" ", "-")}`).toSorted(),
    ).toEqual(
      deployment
        .all("authorization:RoleAssignment")
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  it("show events on their way from senders to the lake, and notices back to the app", () => {
    for (const line of [
      'senders(("senders")) -->|events, token| hub_flights["hub/flights"]',
      'hub_flights["hub/flights"] -->|events| app["app"]',
      'app["app"] -->|blobs| lake_lake["lake/lake"]',
      'lake["lake"] -->|what happened to blobs| notices["notices"]',
      'notices["notices"] -->|notices| host_notices["host/notices"]',
      'deployer(("deployer")) -->|package, token| app["app"]',
    ])
      expect(data).toContain(line);
  });

  it("have a hub more for a pipeline that reads one more, and no door where nobody is let in", async () => {
    const events = streamingTable("bronze.more", { from: eventHub("more") });
    const views = materializedView("gold.more", {
      query: read(events)
        .groupBy("ingestion_date")
        .agg(() => ({ events: count() })),
    });
    const other = securityDiagram(await deploy({ pipelines: [definePipeline("more", [events, views])] }));
    expect(other).toContain('hub_more["hub/more"]');
    expect(other).not.toContain("hub/flights");
    expect(data).not.toContain("callers");
    expect(
      securityDiagram(await deploy({ config: { "dyne:clientId": "5d3a1a52-1c58-4d9b-8b1e-9b1f2a3c4d5e" } })),
    ).toContain("callers");
  });

  it("hold nothing but nodes and arrows that Mermaid reads", () => {
    const lines = [...rights.split("\n"), ...data.split("\n")].filter((line) => line.startsWith("  "));
    expect(lines.length).toBeGreaterThan(30);
    const drawn = String.raw`\w+(\["[\w/-]+"\]|\(\["[\w/-]+"\]\)|\(\("[\w/-]+"\)\))`;
    for (const line of lines)
      expect(line).toMatch(new RegExp(`^  ${drawn} (-->\\|[\\w ,]+\\||-\\. acts as \\.->) ${drawn}$`));
  });
});
