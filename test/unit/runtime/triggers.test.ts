import { expect, test } from "vitest";
import { pipelines } from "../../../pipelines/index.ts";
import { functionsOf, scheduleOf } from "../../../shared/runtime/index.ts";

test("the functions of a kind are those of the manifests, each name once", () => {
  expect(functionsOf(pipelines, "eventHub")).toEqual([
    { name: "hub-flights", kind: "eventHub", hub: "flights", consumerGroup: "dyne-trigger" },
    { name: "hub-events", kind: "eventHub", hub: "events", consumerGroup: "dyne-trigger" },
    { name: "hub-customers", kind: "eventHub", hub: "customers", consumerGroup: "dyne-trigger" },
    { name: "hub-readings", kind: "eventHub", hub: "readings", consumerGroup: "dyne-trigger" },
  ]);
  expect(functionsOf([...pipelines, ...pipelines], "eventHub")).toHaveLength(4);
  expect(functionsOf(pipelines, "queue").map(({ name, queue }) => [name, queue])).toEqual([
    ["notices", "notices"],
    ["bulk", "bulk"],
  ]);
  expect(functionsOf([], "eventHub")).toEqual([]);
});

test("a schedule is a cron expression of the manifest, or every minute where there is none", () => {
  for (const { schedule } of functionsOf(pipelines, "timer"))
    expect(scheduleOf(pipelines, schedule)).toMatch(/^\S+( \S+){5}$/);
  expect(scheduleOf(pipelines, "no such schedule")).toBe("0 * * * * *");
});
