/**
 * Without a way in from outside: a virtual network, in which the app finds storage, hubs and vault at private addresses, while they turn away
 * everybody else. Event Grid, Capture and the logs of Azure's own services come as trusted services.
 */
import { PrivateDnsZoneGroup } from "@pulumi/azure-native/network/privateDnsZoneGroup.js";
import { PrivateEndpoint } from "@pulumi/azure-native/network/privateEndpoint.js";
import { VirtualNetwork } from "@pulumi/azure-native/network/virtualNetwork.js";
import { PrivateZone } from "@pulumi/azure-native/privatedns/privateZone.js";
import { VirtualNetworkLink } from "@pulumi/azure-native/privatedns/virtualNetworkLink.js";
import { interpolate, type Input, type Output, type Resource } from "@pulumi/pulumi";
import type { Config } from "./config.ts";
import type { Place } from "./place.ts";

export interface Network {
  /** Where the app's own connections come from. */
  readonly appSubnetId: Output<string>;
  /** What has to be there before the app looks for its services. */
  readonly ways: readonly Resource[];
}

/** Services that the app goes to, by the id of what they belong to. */
export interface Reached {
  readonly host: Input<string>;
  readonly lake: Input<string>;
  /** Undefined where no hub is read. */
  readonly "event-hubs": Input<string> | undefined;
  readonly vault: Input<string>;
}

/** By the name that Azure gives a service within its resource: the zone of its private addresses. */
const zones = {
  blob: "privatelink.blob.core.windows.net",
  dfs: "privatelink.dfs.core.windows.net",
  queue: "privatelink.queue.core.windows.net",
  table: "privatelink.table.core.windows.net",
  namespace: "privatelink.servicebus.windows.net",
  vault: "privatelink.vaultcore.azure.net",
} as const;
type Service = keyof typeof zones;

const endpoints: readonly { readonly of: keyof Reached; readonly service: Service }[] = [
  { of: "host", service: "blob" },
  { of: "host", service: "queue" },
  { of: "host", service: "table" },
  { of: "lake", service: "blob" },
  { of: "lake", service: "dfs" },
  { of: "event-hubs", service: "namespace" },
  { of: "vault", service: "vault" },
];

/** Makes network, zones and endpoints. */
export function makeNetwork(place: Place, { networkAddressSpace }: Config, reached: Reached): Network {
  const network = makeVirtualNetwork(place, networkAddressSpace);
  const wanted = endpoints.filter(({ of }) => reached[of] !== undefined);
  const services = new Set(wanted.map(({ service }) => service));
  const linked = Object.fromEntries(
    [...services].map((service) => [service, makeZone(place, network, service, zones[service])]),
  ) as Record<Service, LinkedZone>;
  const ways = wanted.flatMap(({ of, service }) =>
    makeEndpoint(place, network, { of, service, id: reached[of]!, zone: linked[service] }),
  );
  return { appSubnetId: subnetId(network, "app"), ways };
}

const subnetId = (network: VirtualNetwork, name: "app" | "endpoints") => interpolate`${network.id}/subnets/${name}`;

/** The two halves of the address space: one is the app's, whose instances take an address each, the other has the endpoints. */
function makeVirtualNetwork(place: Place, space: string): VirtualNetwork {
  const first = space.split(".").slice(0, 2).join(".");
  const third = Number(space.split(".")[2]);
  return new VirtualNetwork(
    "network",
    {
      ...place.located,
      virtualNetworkName: place.names.network,
      addressSpace: { addressPrefixes: [space] },
      // Here and not as resources of their own: a change of the network would take those away that it does not list.
      subnets: [
        {
          name: "app",
          addressPrefix: `${first}.${third}.0/24`,
          delegations: [{ name: "flex-consumption", serviceName: "Microsoft.App/environments" }],
          // Tokens of Entra ID and telemetry are taken at public addresses.
          defaultOutboundAccess: true,
        },
        { name: "endpoints", addressPrefix: `${first}.${third + 1}.0/24`, defaultOutboundAccess: false },
      ],
    },
    place.options,
  );
}

interface LinkedZone {
  readonly zone: PrivateZone;
  readonly link: VirtualNetworkLink;
}

function makeZone(place: Place, network: VirtualNetwork, service: Service, privateZoneName: string): LinkedZone {
  const everywhere = { ...place.within, location: "Global", tags: place.located.tags };
  const zone = new PrivateZone(`zone/${service}`, { ...everywhere, privateZoneName }, place.options);
  const link = new VirtualNetworkLink(
    `zone/${service}/link`,
    {
      ...everywhere,
      privateZoneName: zone.name,
      virtualNetworkLinkName: place.names.network,
      virtualNetwork: { id: network.id },
      registrationEnabled: false,
    },
    place.options,
  );
  return { zone, link };
}

function makeEndpoint(
  place: Place,
  network: VirtualNetwork,
  to: { readonly of: string; readonly service: Service; readonly id: Input<string>; readonly zone: LinkedZone },
): readonly Resource[] {
  const { of, service, id, zone } = to;
  const privateEndpointName = `${place.names.network}-${of}-${service}`;
  const endpoint = new PrivateEndpoint(
    `endpoint/${of}/${service}`,
    {
      ...place.located,
      privateEndpointName,
      subnet: { id: subnetId(network, "endpoints") },
      privateLinkServiceConnections: [{ name: service, privateLinkServiceId: id, groupIds: [service] }],
    },
    place.options,
  );
  const names = new PrivateDnsZoneGroup(
    `endpoint/${of}/${service}/names`,
    {
      ...place.within,
      privateEndpointName: endpoint.name,
      privateDnsZoneGroupName: "default",
      privateDnsZoneConfigs: [{ name: service, privateDnsZoneId: zone.zone.id }],
    },
    place.options,
  );
  return [endpoint, names, zone.link];
}
