/**
 * Names of the resources by Azure's rules. They end in eight letters and digits that follow from subscription, project and stack,
 * because many of them are shared by all of Azure's customers: the same stack always gets the same names, and another one gets others, short of
 * a collision in 40 bits (docs/adr/0017).
 *
 *     dyne-dev-mi3amuab        resource group, Event Hubs, vault, app
 *     dynedevhostmi3amuab      storage accounts
 */
import { createHash } from "node:crypto";

export interface Names {
  readonly resourceGroup: string;
  readonly host: string;
  readonly lake: string;
  readonly eventHubs: string;
  readonly vault: string;
  readonly functionPlan: string;
  readonly functionApp: string;
  readonly appIdentity: string;
  readonly captureIdentity: string;
  readonly noticesIdentity: string;
  readonly noticesTopic: string;
  /** What the names of private endpoints begin with, too. */
  readonly network: string;
  readonly workspace: string;
  readonly insights: string;
  readonly diagnostics: string;
  readonly actionGroup: string;
  /** What the names of alerts begin with. */
  readonly alerts: string;
  readonly budget: string;
}

/** What tells one deployment from all others. */
export interface Origin {
  readonly project: string;
  readonly stack: string;
  readonly subscriptionId: string;
  /** Other names for the same stack, as where one of them is taken. */
  readonly salt?: string | undefined;
}

/** Every name of a deployment. Equal origins give equal names. */
export function namesOf(origin: Origin): Names {
  const slug = slugOf(`${origin.project}-${origin.stack}`);
  const suffix = suffixOf(origin);
  const hyphened = (lengthMax: number) => `${cut(slug, lengthMax - suffix.length - 1)}-${suffix}`;
  const account = (role: string) =>
    `${slug.replaceAll("-", "").slice(0, 24 - role.length - suffix.length)}${role}${suffix}`;
  return {
    resourceGroup: hyphened(64),
    host: account("host"),
    lake: account("lake"),
    eventHubs: hyphened(50),
    vault: hyphened(24),
    functionPlan: hyphened(40),
    // The Functions host tells apps apart by the first 32 characters.
    functionApp: hyphened(32),
    appIdentity: `${hyphened(64)}-app`,
    captureIdentity: `${hyphened(64)}-capture`,
    noticesIdentity: `${hyphened(64)}-notices`,
    noticesTopic: hyphened(50),
    network: hyphened(40),
    workspace: hyphened(63),
    insights: hyphened(64),
    diagnostics: hyphened(64),
    actionGroup: hyphened(64),
    alerts: hyphened(64),
    budget: hyphened(63),
  };
}

/** Lower-case letters and digits with single hyphens between them, the first a letter. */
function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  if (/^[a-z]/.test(slug)) return slug;
  return slug === "" ? "dyne" : `dyne-${slug}`;
}

/** The beginning of a slug, which is a slug too. */
function cut(slug: string, lengthMax: number): string {
  return slug.slice(0, lengthMax).replace(/-$/, "");
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** 40 bits of a hash. The parts are written as JSON, so that no two origins read alike. */
function suffixOf({ project, stack, subscriptionId, salt }: Origin): string {
  const parts = [subscriptionId.toLowerCase(), project, stack, ...(salt === undefined ? [] : [salt])];
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest();
  return Array.from(hash.subarray(0, 8), (byte) => alphabet[byte % alphabet.length]).join("");
}
