import { describe, expect, it } from "vitest";
import { runtime } from "@pulumi/pulumi";
import { RoleSpread, spreadMs } from "../../infra/role-spread.ts";
import { deploy } from "./deployment.ts";

const deployment = await deploy();
const rolesOf = (identity: string) =>
  deployment.all("authorization:RoleAssignment").filter(({ name }) => name.startsWith(`role/${identity}/`));

describe("what acts by roles comes after them", () => {
  it("the app comes after each of its roles, and its roles after its identity and the place they are for", () => {
    expect(rolesOf("app").length).toBeGreaterThan(5);
    for (const { name, inputs } of rolesOf("app")) {
      expect([name, deployment.isAfter("app", name)]).toEqual([name, true]);
      expect([name, deployment.isAfter(name, "identity/app")]).toEqual([name, true]);
      const place = deployment.resources.find(({ id }) => id === inputs["scope"]);
      expect([name, deployment.isAfter(name, place?.name ?? "")]).toEqual([name, true]);
    }
  });

  it("subscriptions come after the roles of Event Grid's identity, their queue and the container of dead letters", () => {
    const subscriptions = deployment.all("eventgrid:SystemTopicEventSubscription");
    expect(subscriptions.length).toBe(2);
    for (const { name } of subscriptions) {
      const before = [...rolesOf("notices").map((role) => role.name), "host/notices", "host/dead-letter"];
      expect(before.length).toBe(4);
      for (const earlier of before) expect([earlier, deployment.isAfter(name, earlier)]).toEqual([earlier, true]);
    }
  });

  it("the app comes after all that its triggers connect to", () => {
    const connected = deployment.resources.filter(({ type }) =>
      ["storage:Queue", "eventhub:ConsumerGroup", "eventhub:EventHub"].includes(type),
    );
    expect(connected.length).toBeGreaterThan(5);
    for (const { name } of [...connected, deployment.get("host/deployments"), deployment.get("host/checkpoints")]) {
      expect([name, deployment.isAfter("app", name)]).toEqual([name, true]);
    }
  });

  it("captured hubs come after the right of the identity that writes their files, and after its container", () => {
    const hubs = deployment.all("eventhub:EventHub");
    expect([hubs.length, rolesOf("capture").length]).toEqual([4, 1]);
    for (const { name } of hubs) {
      for (const earlier of [...rolesOf("capture").map((role) => role.name), "lake/capture", "identity/capture"]) {
        expect([earlier, deployment.isAfter(name, earlier)]).toEqual([earlier, true]);
      }
    }
  });

  it("settings of the one site come one after the other, and its code after them", async () => {
    const { get, isAfter } = await deploy({ config: { "dyne:clientId": "5d3a1a52-1c58-4d9b-8b1e-9b1f2a3c4d5e" } });
    const order = ["app", "app/ftp", "app/scm", "app/authentication", "app/code"];
    for (const [index, name] of order.slice(1).entries()) {
      expect([name, get(name).after.includes(order[index] ?? ""), isAfter(name, "app")]).toEqual([name, true, true]);
    }
    expect(deployment.get("app/code").after).toContain("app/scm");
  });

  it("every role starts the wait, app, subscriptions and captured hubs alone wait, and changed code is published", () => {
    for (const { type, name, hooks } of deployment.resources) {
      const waits = ["web:WebApp", "eventgrid:SystemTopicEventSubscription", "eventhub:EventHub"].includes(type);
      const published = type === "pulumi:index:Stash" ? ["code-is-published"] : [];
      expect([name, hooks]).toEqual([
        name,
        {
          afterCreate: type === "authorization:RoleAssignment" ? ["role-spread-begins"] : [],
          beforeCreate: waits ? ["role-spread-is-awaited"] : published,
          beforeUpdate: waits && type !== "web:WebApp" ? ["role-spread-is-awaited"] : published,
        },
      ]);
    }
  });
});

describe("the wait for roles", () => {
  /** A spread on a watch that jumps instead of sleeping, and what it slept. */
  async function spread() {
    await runtime.setMocks({
      call: () => Promise.reject(new Error("none")),
      newResource: () => ({ id: "", state: {} }),
    });
    Object.assign(runtime.getMonitor() as object, {
      registerResourceHook: (_: unknown, answer: (error: null, response: object) => void) => answer(null, {}),
    });
    const watch = {
      atMs: 1_000,
      now: () => watch.atMs,
      sleep: async (ms: number) => void ((watch.atMs += ms), slept.push(ms)),
    };
    const slept: number[] = [];
    const roleSpread = new RoleSpread(watch);
    await runtime.disconnect();
    return { roleSpread, watch, slept };
  }

  it("is nothing where this run made no role", async () => {
    const { roleSpread, slept } = await spread();
    await roleSpread.wait();
    expect(slept).toEqual([]);
  });

  it("lasts until the youngest role is two minutes old, and once for all who wait", async () => {
    const { roleSpread, watch, slept } = await spread();
    roleSpread.begin();
    watch.atMs += 30_000;
    roleSpread.begin();
    watch.atMs += 50_000;
    await roleSpread.wait();
    await roleSpread.wait();
    expect(slept).toEqual([spreadMs - 50_000]);
    expect(spreadMs).toBe(120_000);
  });
});
