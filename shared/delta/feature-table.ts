/** The table features that there are, and the protocol versions that had them before features had names (PROTOCOL.md § Table Features). */

export interface TableFeature {
  /** Readers must know it too, not only writers. */
  readonly readers: boolean;
  /** The least writer version that implies it, where there is one. */
  readonly legacyWriter?: number;
  /** The least reader version that implies it. */
  readonly legacyReader?: number;
  /** Features that it cannot be without. */
  readonly needs?: readonly string[];
}

const forWriters = (needs: readonly string[] = []): TableFeature => ({ readers: false, needs });
const forAll: TableFeature = { readers: true };

/** By name, in the order in which Delta lists them. */
export const tableFeatures: Readonly<Record<string, TableFeature>> = {
  appendOnly: { readers: false, legacyWriter: 2 },
  invariants: { readers: false, legacyWriter: 2 },
  checkConstraints: { readers: false, legacyWriter: 3 },
  changeDataFeed: { readers: false, legacyWriter: 4 },
  generatedColumns: { readers: false, legacyWriter: 4 },
  columnMapping: { readers: true, legacyReader: 2, legacyWriter: 5 },
  identityColumns: { readers: false, legacyWriter: 6 },
  allowColumnDefaults: forWriters(),
  catalogManaged: { readers: true, needs: ["inCommitTimestamp", "vacuumProtocolCheck"] },
  checkpointProtection: forWriters(),
  clustering: forWriters(["domainMetadata"]),
  deletionVectors: forAll,
  domainMetadata: forWriters(),
  icebergCompatV1: forWriters(["columnMapping"]),
  icebergCompatV2: forWriters(["columnMapping"]),
  inCommitTimestamp: forWriters(),
  rowTracking: forWriters(["domainMetadata"]),
  timestampNtz: forAll,
  typeWidening: forAll,
  v2Checkpoint: forAll,
  vacuumProtocolCheck: forAll,
  variantType: forAll,
  variantShredding: forAll,
};
