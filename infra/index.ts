/** What `pulumi up` makes, from the manifests of the pipelines and nothing else. */
import { pipelines } from "../pipelines/index.ts";
import type { Pipeline } from "../shared/pipeline/index.ts";
import { appRights } from "./access.ts";
import { readConfig } from "./config.ts";
import { demandOf } from "./demand.ts";
import { makeEventHubs } from "./event-hubs.ts";
import { makeFunctionApp } from "./function-app.ts";
import { makeIdentities } from "./identity.ts";
import { makeNotices } from "./notices.ts";
import { outputsOf, type Outputs } from "./outputs.ts";
import { makePlace } from "./place.ts";
import { RoleSpread } from "./role-spread.ts";
import { assignRoles } from "./roles.ts";
import { makeHost, makeLake } from "./storage.ts";
import { makeVault } from "./vault.ts";

/** The program. Pulumi calls it without arguments; other pipelines are for tests. */
export default function program(declared: readonly Pipeline[] = pipelines): Outputs {
  const config = readConfig();
  const demand = demandOf(declared);

  const place = makePlace(config);
  const identities = makeIdentities(place);
  const host = makeHost(place, demand.queues);
  const lake = makeLake(place);
  const eventHubs = makeEventHubs(place, demand.hubs, config.throughputUnits);
  const vault = makeVault(place);

  const spread = new RoleSpread();
  const identity = identities.app;
  const roles = assignRoles(place, { name: "app", identity }, appRights(host, lake, eventHubs, vault), spread);
  const connected = [...Object.values(host.containers), ...Object.values(host.queues), ...eventHubs.consumerGroups];
  const app = makeFunctionApp(
    place,
    config,
    { host, lake, eventHubs, vault, identity },
    { dependsOn: [...roles, ...connected], spread },
  );
  makeNotices(place, { host, lake }, { identity: identities.notices, landsFiles: demand.landsFiles, spread });

  return outputsOf(place, { app, eventHubs, lake, vault });
}
