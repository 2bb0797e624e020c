/** What the typings of the installed package say of a resource's arguments, read from its declarations. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const root = dirname(require.resolve("@pulumi/azure-native/package.json"));
const inputTypes = readFileSync(join(root, "types/input.d.ts"), "utf8");

/** Something about a resource that its typings do not allow. */
export interface Finding {
  readonly path: string;
  readonly problem: string;
}

interface Property {
  readonly isRequired: boolean;
  /** As the declaration spells it. */
  readonly type: string;
}
type Properties = ReadonlyMap<string, Property>;

/** The values of an enumeration of the package: `eventhub.SkuName`. */
export function enumValues(qualified: string): readonly unknown[] {
  const [namespace = "", name = ""] = qualified.split(".");
  const constants = require(join(root, `types/enums/${namespace}/index.js`)) as Readonly<Record<string, object>>;
  return Object.values(constants[name] ?? {});
}

/** Every place of the inputs of a resource whose type is an enumeration: path, value, and which one. */
export interface EnumUse {
  readonly path: string;
  readonly value: unknown;
  readonly enumeration: string;
}

/** Compares the inputs of a resource (`eventhub:EventHub`) with its typings. */
export function checkInputs(type: string, inputs: object): { readonly findings: Finding[]; readonly enums: EnumUse[] } {
  const [namespace = "", name = ""] = type.split(":");
  const file = join(root, namespace, `${name.charAt(0).toLowerCase()}${name.slice(1)}.d.ts`);
  const declared = once(type, () => propertiesOf(readFileSync(file, "utf8"), `export interface ${name}Args {`, 0));
  const found = { findings: [] as Finding[], enums: [] as EnumUse[] };
  checkObject(inputs, declared, "", found);
  return found;
}

type Found = ReturnType<typeof checkInputs>;

function checkObject(value: object, declared: Properties, path: string, found: Found): void {
  const at = (key: string) => (path === "" ? key : `${path}.${key}`);
  for (const [key, { isRequired }] of declared) {
    if (isRequired && !(key in value)) found.findings.push({ path: at(key), problem: "is required and missing" });
  }
  for (const [key, entry] of Object.entries(value)) {
    const property = declared.get(key);
    if (property === undefined) found.findings.push({ path: at(key), problem: "is no argument" });
    else checkValue(entry, property.type, at(key), found);
  }
}

function checkValue(value: unknown, type: string, path: string, found: Found): void {
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) checkValue(entry, type, `${path}[${index}]`, found);
    return;
  }
  const enumeration = /\benums\.(\w+\.\w+)/.exec(type)?.[1];
  if (enumeration !== undefined && (typeof value !== "object" || value === null)) {
    found.enums.push({ path, value, enumeration });
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const candidates = [...type.matchAll(/\binputs\.(\w+)\.(\w+)/g)].map(([, namespace = "", name = ""]) =>
    inputProperties(namespace, name),
  );
  if (candidates.length === 0) return;
  if (/\[key: string\]/.test(type)) {
    for (const [key, entry] of Object.entries(value))
      checkObject(entry as object, candidates[0]!, `${path}.${key}`, found);
    return;
  }
  const declared = candidates.find((candidate) => hasLiteralsOf(value, candidate)) ?? candidates[0]!;
  checkObject(value, declared, path, found);
}

/** Of a union the one whose literal types the value has: `endpointType: "StorageQueue"`. */
function hasLiteralsOf(value: object, declared: Properties): boolean {
  return [...declared].every(([key, { type }]) => {
    const literal = /^pulumi\.Input<"([^"]+)">$/.exec(type)?.[1];
    return literal === undefined || (value as Readonly<Record<string, unknown>>)[key] === literal;
  });
}

const known = new Map<string, Properties>();

/** The file of all inputs has millions of characters: each interface is looked for once. */
function once(name: string, find: () => Properties): Properties {
  const found = known.get(name) ?? find();
  known.set(name, found);
  return found;
}

function inputProperties(namespace: string, name: string): Properties {
  return once(`${namespace}.${name}`, () =>
    propertiesOf(inputTypes, `    interface ${name} {`, inputTypes.indexOf(`export declare namespace ${namespace} {`)),
  );
}

/** The properties of the first interface with a heading after a place of a declaration file. Throws where there is none. */
function propertiesOf(text: string, heading: string, from: number): Properties {
  const start = text.indexOf(heading, from);
  if (start < 0) throw new Error(`The typings have no "${heading.trim()}"`);
  const indent = /^ */.exec(heading)?.[0] ?? "";
  const end = text.indexOf(`\n${indent}}\n`, start);
  const body = text.slice(start + heading.length, end).replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
  return new Map(
    [...body.matchAll(new RegExp(`^${indent}    (\\w+)(\\??): ([\\s\\S]*?);$`, "gm"))].map(
      ([, name = "", optional, type = ""]) => [name, { isRequired: optional === "", type }] as const,
    ),
  );
}
