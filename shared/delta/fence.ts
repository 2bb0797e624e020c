import type { Snapshot } from "./snapshot.ts";

/**
 * Lets one writer of an appId through, once (SPEC.md 2). The protocol records `txn` versions and leaves enforcing them to writers
 * (PROTOCOL.md § Transaction Identifiers).
 */
export interface Fence {
  readonly appId: string;
  /** What this commit records. */
  readonly version: number;
  /** What must be recorded before it; undefined for nothing. */
  readonly expected: number | undefined;
}

/** What the fences say to committing on top of a snapshot. */
export type FenceVerdict =
  | { readonly kind: "open" }
  /** All of it was committed before: by the table's version `version`, where that is known. */
  | { readonly kind: "already-committed"; readonly version: number | undefined }
  /** A newer writer has taken over. */
  | { readonly kind: "fenced"; readonly appId: string; readonly recorded: number }
  /** What is recorded is neither this nor what came before it. */
  | { readonly kind: "txn-changed"; readonly appId: string; readonly recorded: number | undefined };

/** What of a snapshot the fences look at. */
type Recorded = Pick<Snapshot, "txns" | "txnCommits">;

/** Asks all fences of one commit. A commit that recorded only some of them was another one. */
export function askFences(snapshot: Recorded, fences: readonly Fence[]): FenceVerdict {
  const verdicts = fences.map((fence) => askFence(snapshot, fence));
  const closed = verdicts.find(({ kind }) => kind === "fenced") ?? verdicts.find(({ kind }) => kind === "txn-changed");
  if (closed !== undefined) return closed;
  const done = verdicts.filter(({ kind }) => kind === "already-committed");
  if (done.length === 0) return { kind: "open" };
  if (done.length === verdicts.length) return done[0]!;
  const { appId } = fences[verdicts.findIndex(({ kind }) => kind === "already-committed")]!;
  return { kind: "txn-changed", appId, recorded: snapshot.txns.get(appId) };
}

function askFence(snapshot: Recorded, { appId, version, expected }: Fence): FenceVerdict {
  const recorded = snapshot.txns.get(appId);
  if (recorded === version) return { kind: "already-committed", version: snapshot.txnCommits.get(appId) };
  if (recorded === expected) return { kind: "open" };
  if (recorded !== undefined && recorded > version) return { kind: "fenced", appId, recorded };
  return { kind: "txn-changed", appId, recorded };
}
