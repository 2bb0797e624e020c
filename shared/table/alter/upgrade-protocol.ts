import { checkProperties, protocolAfter } from "../../delta/index.ts";
import type { TableSession } from "../table-session.ts";
import { commitAltered, type Alteration } from "./alteration.ts";
import { assertFlowGoesOn, writerOf, type AlterOptions } from "./flow-properties.ts";

/**
 * Adds table features to a table's protocol, and those that they need (PROTOCOL.md § Table Features for New and Existing Tables). Safe to
 * repeat: a table that has them is unchanged. Throws UNSUPPORTED_FEATURE for a feature that dyne does not write, or does not know;
 * INVALID_ARGUMENT for one that the flow which writes the table does not write.
 */
export async function upgradeProtocol(
  { table }: Pick<TableSession, "table">,
  features: readonly string[],
  options: AlterOptions = {},
): Promise<Alteration> {
  const snapshot = await table.latest();
  const asked = Object.fromEntries(features.map((name) => [`delta.feature.${name}`, "supported"]));
  const checked = checkProperties(table.path, asked);
  assertFlowGoesOn(table.path, writerOf(snapshot, options), checked);
  const { metadata, schema } = snapshot;
  const protocol = protocolAfter(table.path, snapshot.protocol, metadata, schema, checked.features);
  return commitAltered(table, snapshot, {
    protocol,
    metadata,
    operation: "UPGRADE PROTOCOL",
    operationParameters: { newProtocol: JSON.stringify(protocol) },
  });
}
