/**
 * The security model of a deployment as two Mermaid diagrams, drawn from the resources that the program asked for: which identity has which role
 * where, and which way data takes by those roles.
 */
import type { Deployment, Made } from "../deployment.ts";

/** What a role lets flow, and whether from its place to who has it, or the other way. */
const flows: Readonly<Record<string, { readonly what: string; readonly towards: "holder" | "place" }>> = {
  "azure-event-hubs-data-receiver": { what: "events", towards: "holder" },
  "key-vault-secrets-user": { what: "secrets", towards: "holder" },
  "monitoring-metrics-publisher": { what: "telemetry", towards: "place" },
  "storage-blob-data-contributor": { what: "blobs", towards: "place" },
  "storage-blob-data-owner": { what: "state, leases, package", towards: "place" },
  "storage-blob-data-reader": { what: "blobs", towards: "holder" },
  "storage-queue-data-contributor": { what: "messages", towards: "holder" },
  "storage-queue-data-message-sender": { what: "notices", towards: "place" },
  "storage-table-data-contributor": { what: "diagnostic events of the host", towards: "place" },
};

interface Right {
  /** Short name of the identity, such as `app`. */
  readonly identity: string;
  readonly role: string;
  readonly place: string;
}

/** Markdown with both diagrams; the same for the same deployment. Throws where a resource is not understood: then this file needs another line. */
export function securityDiagram(deployment: Deployment): string {
  return [
    "Who may do what, where; a right holds for the one resource that its arrow points to:",
    fenced(["flowchart LR", ...rightsOf(deployment).map(drawRight), ...actorLines(deployment)]),
    "Which way data takes by those rights, all of them without a key:",
    fenced(["flowchart LR", ...new Set(flowLines(deployment))]),
  ].join("\n\n");
}

function rightsOf(deployment: Deployment): readonly Right[] {
  return deployment.all("authorization:RoleAssignment").map(({ name, inputs }) => ({
    identity: name.split("/")[1] ?? "",
    role: name.split("/").at(-1) ?? "",
    place: placeOf(deployment, String(inputs["scope"])).name,
  }));
}

function placeOf({ resources }: Deployment, id: string): Made {
  const made = resources.find((resource) => resource.id === id);
  if (made === undefined) throw new Error(`No resource of the program has the id ${id}`);
  return made;
}

const drawRight = ({ identity, role, place }: Right) =>
  `  ${node(`identity/${identity}`, "stadium")} -->|${role.replaceAll("-", " ")}| ${node(place)}`;

/** Resources that act as an identity. */
function actorsOf(deployment: Deployment): readonly { readonly actor: string; readonly identity: string }[] {
  return deployment
    .all("managedidentity:UserAssignedIdentity")
    .flatMap(({ id, name }) =>
      deployment.resources
        .filter(({ inputs }) => JSON.stringify(inputs["identity"] ?? null).includes(`"${id}"`))
        .map((actor) => ({ actor: actor.name, identity: name.replace("identity/", "") })),
    );
}

const actorLines = (deployment: Deployment) =>
  actorsOf(deployment).map(
    ({ actor, identity }) => `  ${node(actor)} -. acts as .-> ${node(`identity/${identity}`, "stadium")}`,
  );

function flowLines(deployment: Deployment): readonly string[] {
  const actors = new Map(actorsOf(deployment).map(({ actor, identity }) => [identity, actor]));
  const lines = rightsOf(deployment).map(({ identity, role, place }) => {
    const flow = flows[role];
    const actor = actors.get(identity);
    if (flow === undefined) throw new Error(`It is not known which way data takes by the role ${role}`);
    if (actor === undefined) throw new Error(`No resource acts as the identity ${identity}`);
    return flow.towards === "holder" ? edge(place, flow.what, actor) : edge(actor, flow.what, place);
  });
  return [...lines, ...topicLines(deployment), ...logLines(deployment), ...outerLines(deployment)];
}

/** A topic hears of everything in its account. */
function topicLines(deployment: Deployment): readonly string[] {
  return deployment
    .all("eventgrid:SystemTopic")
    .map(({ name, inputs }) =>
      edge(placeOf(deployment, String(inputs["source"])).name, "what happened to blobs", name),
    );
}

function logLines(deployment: Deployment): readonly string[] {
  const [workspace] = deployment.all("operationalinsights:Workspace");
  if (workspace === undefined) return [];
  const components = deployment
    .all("applicationinsights:Component")
    .map(({ name }) => edge(name, "telemetry", workspace.name));
  const settings = deployment
    .all("monitor:DiagnosticSetting")
    .map(({ name }) => edge(name.replace("diagnostics/", ""), "logs", workspace.name));
  return [...components, ...settings];
}

/** Who comes from outside, each with a token of Entra ID. */
function outerLines(deployment: Deployment): readonly string[] {
  const hubs = deployment.all("eventhub:EventHub").map(({ name }) => edge("senders", "events, token", name));
  const landing = deployment
    .all("eventgrid:SystemTopicEventSubscription")
    .some(({ name }) => name === "notices/landing");
  return [
    ...hubs,
    ...(landing ? [edge("senders", "files, token", "lake/landing")] : []),
    ...deployment.all("web:WebAppAuthSettingsV2").map(() => edge("callers", "requests, token and app role", "app")),
    ...deployment.all("pulumi:index:Stash").map(() => edge("deployer", "package, token", "app")),
    edge("lake/lake", "tables, token", "readers"),
  ];
}

const outer = new Set(["senders", "callers", "deployer", "readers"]);

const edge = (from: string, what: string, to: string) => `  ${draw(from)} -->|${what}| ${draw(to)}`;
const draw = (name: string) => node(name, outer.has(name) ? "circle" : "box");

/** Names have characters that ids of Mermaid do not have. */
function node(name: string, shape: "box" | "stadium" | "circle" = "box"): string {
  const [open, close] = { box: ["[", "]"], stadium: ["([", "])"], circle: ["((", "))"] }[shape] as [string, string];
  return `${name.replaceAll(/\W/g, "_")}${open}"${name}"${close}`;
}

const fenced = (lines: readonly string[]) => ["```mermaid", ...lines, "```"].join("\n");
