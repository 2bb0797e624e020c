/** What `pulumi up` makes, from the manifests of the pipelines and nothing else. */
import type { Vault } from "@pulumi/azure-native/keyvault/vault.js";
import { pipelines } from "../pipelines/index.ts";
import type { Pipeline } from "../shared/pipeline/index.ts";
import { appRights, captureRights } from "./access.ts";
import { makeAlerts } from "./alerts.ts";
import { codeOf } from "./code.ts";
import { readConfig, type Config } from "./config.ts";
import { demandOf } from "./demand.ts";
import { makeDiagnostics } from "./diagnostics.ts";
import { makeEventHubs, type Capture, type EventHubs } from "./event-hubs.ts";
import { makeFunctionApp } from "./function-app.ts";
import { makeIdentities, type Identities } from "./identity.ts";
import { makeLogs } from "./logs.ts";
import { makeNetwork, type Network } from "./network.ts";
import { makeNotices } from "./notices.ts";
import { outputsOf, type Outputs } from "./outputs.ts";
import { inPart, makePlace, type Place } from "./place.ts";
import { publishCode } from "./publication.ts";
import { RoleSpread } from "./role-spread.ts";
import { assignRoles } from "./roles.ts";
import { makeHost, makeLake, type HostAccount, type LakeAccount } from "./storage.ts";
import { makeVault } from "./vault.ts";

/** The program. Pulumi calls it without arguments; other pipelines are for tests. */
export default function program(declared: readonly Pipeline[] = pipelines): Outputs {
  const config = readConfig();
  const demand = demandOf(declared, config);
  const code = codeOf(config.package);

  const place = makePlace(config);
  const spread = new RoleSpread();
  const identities = inPart(place, "identities", (part) => makeIdentities(part, config, demand));
  const host = inPart(place, "host", (part) => makeHost(part, config, demand.queues));
  const lake = inPart(place, "lake", (part) => makeLake(part, config));
  const eventHubs = inPart(place, "events", (part) =>
    makeEventHubs(part, config, demand.hubs, captureOf(part, identities, lake, spread)),
  );
  const vault = inPart(place, "vault", (part) => makeVault(part, config));
  const logs = inPart(place, "logs", (part) => makeLogs(part, config));
  const network = networkOf(place, config, { host, lake, eventHubs, vault });
  const { app, settled } = inPart(place, "app", (part) => {
    const identity = identities.app;
    const rights = appRights(host, lake, eventHubs, vault, logs);
    const roles = assignRoles(part, { name: "app", principalId: identity.principalId }, rights, spread);
    const { ways, appSubnetId: subnetId } = network ?? { ways: [], appSubnetId: undefined };
    const things = [
      ...Object.values(host.containers),
      ...Object.values(host.queues),
      ...(eventHubs?.consumerGroups ?? []),
    ];
    return makeFunctionApp(
      part,
      config,
      { host, lake, eventHubs, vault, logs, identity },
      { dependsOn: [...roles, ...things, ...ways], spread, streamFunctions: demand.streamFunctions, subnetId },
    );
  });
  const notices = inPart(place, "notices", (part) => {
    const { landsFiles } = demand;
    return makeNotices(part, config, { host, lake }, { identity: identities.notices, landsFiles, spread });
  });
  inPart(place, "watch", (part) => {
    const topic = notices.topicId;
    const [namespace, accounts] = [eventHubs?.namespace.id, { host: host.account.id, lake: lake.account.id }];
    const ids = { "event-hubs": namespace, lake: accounts.lake, vault: vault.id, app: app.id, notices: topic };
    makeDiagnostics(part, logs, ids);
    makeAlerts(part, config, logs, { namespace, ...accounts, topic });
  });

  const outputs = outputsOf(place, config, demand, { app, eventHubs, lake, vault });
  if (code !== undefined) inPart(place, "code", (part) => publishCode(part, app, code, { ...outputs, settled }));
  return outputs;
}

/** The way to the services that are closed to everybody else; undefined where they are open. */
function networkOf(
  place: Place,
  config: Config,
  to: {
    readonly host: HostAccount;
    readonly lake: LakeAccount;
    readonly eventHubs: EventHubs | undefined;
    readonly vault: Vault;
  },
): Network | undefined {
  if (!config.network) return undefined;
  const { host, lake, eventHubs, vault } = to;
  const ids = { host: host.account.id, lake: lake.account.id, "event-hubs": eventHubs?.namespace.id, vault: vault.id };
  return inPart(place, "network", (part) => makeNetwork(part, config, ids));
}

/** Who captures the hubs, with the right to; undefined where nobody does. */
function captureOf(
  place: Place,
  { capture: identity }: Identities,
  lake: LakeAccount,
  spread: RoleSpread,
): Capture | undefined {
  if (identity === undefined) return undefined;
  const principal = { name: "capture", principalId: identity.principalId };
  const roles = assignRoles(place, principal, captureRights(lake), spread);
  return { identity, lake, spread, dependsOn: [lake.containers.capture, ...roles] };
}
