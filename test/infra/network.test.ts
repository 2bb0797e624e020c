/** A deployment that nobody outside of its network reaches. */
import { describe, expect, it } from "vitest";
import { deploy } from "./deployment.ts";

const open = await deploy();
const closed = await deploy({ config: { "dyne:network": "true" } });
const endpoints = closed.all("network:PrivateEndpoint");
const connectionOf = (inputs: Readonly<Record<string, unknown>>) =>
  (inputs["privateLinkServiceConnections"] as { privateLinkServiceId: string; groupIds: string[] }[])[0]!;
const nameOf = (id: string) => closed.resources.find((made) => made.id === id)?.name;

describe("without a network", () => {
  it("nothing is made for one, and whoever has a role may come from anywhere", () => {
    expect(open.resources.filter(({ part }) => part === "network")).toEqual([]);
    expect(open.get("app").inputs).not.toHaveProperty("virtualNetworkSubnetId");
    for (const account of ["host", "lake"]) expect(open.get(account).inputs).not.toHaveProperty("networkRuleSet");
  });
});

describe("in a network", () => {
  it("storage, hubs and vault turn away all but trusted services, which come with their identities", () => {
    for (const account of ["host", "lake"]) {
      expect(closed.get(account).inputs["networkRuleSet"]).toEqual({ defaultAction: "Deny", bypass: "AzureServices" });
    }
    expect(closed.get("event-hubs").inputs["publicNetworkAccess"]).toBe("Disabled");
    expect(closed.get("event-hubs/network").inputs).toMatchObject({
      defaultAction: "Deny",
      publicNetworkAccess: "Disabled",
      trustedServiceAccessEnabled: true,
    });
    expect(closed.get("vault").inputs["properties"]).toMatchObject({
      publicNetworkAccess: "disabled",
      networkAcls: { defaultAction: "Deny", bypass: "AzureServices" },
    });
  });

  it("every address that the app is told has an endpoint, whose names are found in the network", () => {
    const reached = endpoints.map(({ inputs }) => {
      const { privateLinkServiceId, groupIds } = connectionOf(inputs);
      return `${nameOf(privateLinkServiceId)} ${groupIds.join()}`;
    });
    expect(reached.sort()).toEqual(
      ["event-hubs namespace", "host blob", "host queue", "host table", "lake blob", "lake dfs", "vault vault"].sort(),
    );
    const zones = new Map(
      closed.all("privatedns:PrivateZone").map(({ id, inputs }) => [id, String(inputs["privateZoneName"])]),
    );
    const found = closed.all("network:PrivateDnsZoneGroup").map(({ name, inputs }) => {
      const [config] = inputs["privateDnsZoneConfigs"] as { privateDnsZoneId: string }[];
      return [name.split("/")[2], zones.get(config!.privateDnsZoneId)];
    });
    const hosts: Readonly<Record<string, string>> = {
      blob: "blob.core.windows.net",
      dfs: "dfs.core.windows.net",
      queue: "queue.core.windows.net",
      table: "table.core.windows.net",
      namespace: "servicebus.windows.net",
      vault: "vaultcore.azure.net",
    };
    expect(found.length).toBe(endpoints.length);
    for (const [service, zone] of found) expect(zone).toBe(`privatelink.${hosts[service ?? ""]}`);
    const links = closed.all("privatedns:VirtualNetworkLink");
    expect(links.map(({ inputs }) => String(inputs["privateZoneName"])).sort()).toEqual([...zones.values()].sort());
    for (const { inputs } of links) expect(inputs["virtualNetwork"]).toEqual({ id: closed.get("network").id });
  });

  it("the app has a subnet of its own as Flex Consumption wants it, apart from that of the endpoints", () => {
    const { addressSpace, subnets } = closed.get("network").inputs as {
      addressSpace: object;
      subnets: { name: string; addressPrefix: string; delegations?: { serviceName: string }[] }[];
    };
    expect(addressSpace).toEqual({ addressPrefixes: ["10.64.0.0/23"] });
    expect(
      subnets.map(({ name, addressPrefix, delegations }) => [name, addressPrefix, delegations?.[0]?.serviceName]),
    ).toEqual([
      ["app", "10.64.0.0/24", "Microsoft.App/environments"],
      ["endpoints", "10.64.1.0/24", undefined],
    ]);
    // Azure takes no underscore in the name of a subnet that Flex Consumption uses.
    for (const { name } of subnets) expect(name).not.toContain("_");
    const { id } = closed.get("network");
    expect(closed.get("app").inputs["virtualNetworkSubnetId"]).toBe(`${id}/subnets/app`);
    for (const { inputs } of endpoints) expect(inputs["subnet"]).toMatchObject({ id: `${id}/subnets/endpoints` });
  });

  it("lies where it is told to", async () => {
    const { get } = await deploy({ config: { "dyne:network": "true", "dyne:networkAddressSpace": "172.16.254.0/23" } });
    const { subnets } = get("network").inputs as { subnets: { addressPrefix: string }[] };
    expect(subnets.map(({ addressPrefix }) => addressPrefix)).toEqual(["172.16.254.0/24", "172.16.255.0/24"]);
  });

  it("the app comes after every way to what it connects to", () => {
    const ways = closed.resources.filter(({ part }) => part === "network");
    expect(ways.length).toBe(1 + 6 * 2 + 7 * 2);
    for (const { name } of ways) expect([name, closed.isAfter("app", name)]).toEqual([name, true]);
  });

  it("notices are delivered by the topic's own identity, the only one that Event Grid gets past the doors with", () => {
    const identity = { type: "SystemAssigned" };
    expect(closed.get("notices").inputs["identity"]).toEqual(identity);
    const subscriptions = closed.all("eventgrid:SystemTopicEventSubscription");
    const roles = closed.all("authorization:RoleAssignment").filter(({ name }) => name.startsWith("role/notices/"));
    expect([subscriptions.length, roles.length]).toEqual([2, 2]);
    for (const { inputs } of subscriptions) {
      expect(inputs["deliveryWithResourceIdentity"]).toMatchObject({ identity });
      expect(inputs["deadLetterWithResourceIdentity"]).toMatchObject({ identity });
      expect(JSON.stringify(inputs)).not.toContain("userAssignedIdentity");
    }
    for (const { name, inputs } of roles) {
      expect([name, inputs["principalId"]]).toEqual([name, "principal of notices"]);
      expect([name, closed.isAfter(name, "notices")]).toEqual([name, true]);
      for (const later of subscriptions)
        expect([later.name, closed.isAfter(later.name, name)]).toEqual([later.name, true]);
    }
  });

  it("changes nothing else", () => {
    const added = closed.resources.filter(({ name }) => !open.resources.some((made) => made.name === name));
    expect(added.filter(({ part }) => part !== "network").map(({ name }) => name)).toEqual(["event-hubs/network"]);
    const removed = open.resources.filter(({ name }) => !closed.resources.some((made) => made.name === name));
    expect(removed.map(({ name }) => name)).toEqual(["identity/notices"]);
    const changed = open.resources.filter(
      (made) => !removed.includes(made) && JSON.stringify(closed.get(made.name).inputs) !== JSON.stringify(made.inputs),
    );
    expect(changed.map(({ name }) => name).filter((name) => !/^(role\/)?notices/.test(name))).toEqual([
      "app",
      "event-hubs",
      "host",
      "lake",
      "vault",
    ]);
  });
});
