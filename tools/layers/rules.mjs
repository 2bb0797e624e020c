/**
 * Who may import whom: the one table of the layers, as rules for dependency-cruiser.
 *
 * A room of shared/ may import itself, the rooms named here, and nothing else of the repository. Behind a `*` only types
 * may be imported (`import type`).
 */
const rooms = {
  core: "",
  storage: "core",
  plan: "core",
  delta: "core storage plan*",
  checkpoint: "core storage",
  compute: "core storage plan delta*",
  table: "core storage plan delta compute",
  sources: "core storage plan delta table",
  pipeline: "core plan",
  engine: "core storage plan delta checkpoint compute table sources pipeline",
  testing: "core storage plan delta checkpoint compute table sources pipeline engine",
  serving: "core storage plan delta checkpoint compute table pipeline",
  http: "core storage plan delta* checkpoint compute table pipeline serving",
  runtime: "core storage plan delta checkpoint compute table sources pipeline engine serving http",
};

/** What stands beside shared/: the paths each folder may import of the repository, apart from itself. */
const besides = {
  pipelines: ["^shared/pipeline/index\\.ts$"],
  infra: ["^shared/pipeline/", "^pipelines/index\\.ts$"],
  functions: ["^shared/(core|runtime)/", "^pipelines/index\\.ts$"],
  // They look at tables and logs as people do, through the rooms' public faces (docs/adr/0010).
  local: ["^shared/[^/]+/index\\.ts$", "^shared/core/", "^pipelines/index\\.ts$", "^functions/[^/]+\\.ts$"],
  cli: ["^shared/[^/]+/index\\.ts$", "^pipelines/index\\.ts$", "^local/[^/]+/index\\.ts$"],
};

/** Libraries that one room of shared/ keeps to itself, so that the others depend on its port instead. */
const ownedLibraries = {
  "@azure/storage-blob": ["storage", "runtime"],
  "@azure/event-hubs": ["sources", "runtime"],
  "@azure/storage-queue": ["runtime"],
  "@azure/identity": ["runtime"],
  "@azure/keyvault-secrets": ["runtime"],
  "@duckdb/node-api": ["compute"],
  jose: ["http"],
  "zod-openapi": ["http"],
};

const inRepository = "^(shared|functions|local|cli|infra|pipelines|test|bench|tools)/";

function roomRules(room, text) {
  const names = text.split(" ").filter((name) => name !== "");
  const values = names.filter((name) => !name.endsWith("*"));
  const typesOnly = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  const from = { path: `^shared/${room}/` };
  const may = [room, ...values, ...typesOnly];
  const rules = [
    {
      name: `shared-${room}`,
      comment: `shared/${room} may import ${names.join(", ") || "nothing"} of the repository, and nothing else.`,
      severity: "error",
      from,
      to: { path: inRepository, pathNot: `^shared/(${may.join("|")})/` },
    },
  ];
  for (const other of typesOnly) {
    rules.push({
      name: `shared-${room}-types-of-${other}`,
      comment: `shared/${room} may import types of shared/${other} only: use "import type".`,
      severity: "error",
      from,
      to: { path: `^shared/${other}/`, dependencyTypesNot: ["type-only"] },
    });
  }
  return rules;
}

function besideRules() {
  return Object.entries(besides).map(([folder, allowed]) => ({
    name: folder,
    comment: `${folder}/ may import ${allowed.join(" ")} of the repository, and nothing else.`,
    severity: "error",
    from: { path: `^${folder}/` },
    to: { path: inRepository, pathNot: [`^${folder}/`, ...allowed] },
  }));
}

function libraryRules() {
  return Object.entries(ownedLibraries).map(([library, owners]) => ({
    name: `library-${library.replace(/^@/, "").replace("/", "-")}`,
    comment: `In shared/, ${library} is imported by ${owners.join(" and ")} only; use the port instead.`,
    severity: "error",
    from: { path: "^shared/", pathNot: `^shared/(${owners.join("|")})/` },
    to: { path: `node_modules/${library}/` },
  }));
}

/** Folders that are cruised; a missing one is left out. */
export const cruisedFolders = ["shared", "functions", "local", "cli", "infra", "pipelines"];

/** The rules in dependency-cruiser's form. */
export const forbidden = [
  ...Object.entries(rooms).flatMap(([room, text]) => roomRules(room, text)),
  {
    name: "shared-known-room",
    comment: "Every file of shared/ belongs to a room of the table in tools/layers/rules.mjs.",
    severity: "error",
    from: { path: "^shared/", pathNot: `^shared/(${Object.keys(rooms).join("|")})/` },
    to: {},
  },
  ...besideRules(),
  ...libraryRules(),
  {
    name: "no-cycles",
    comment: "Files must not import each other in a circle.",
    severity: "error",
    from: {},
    to: { circular: true },
  },
  {
    name: "no-unresolved",
    comment: "Every import must be found.",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no-dev-library",
    comment: "What runs for users must not import a devDependency or a library that package.json does not name.",
    severity: "error",
    from: { path: "^(shared|functions|local|cli|pipelines)/" },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
  },
];
