/** The ways of the peers to do the steps of a random table. */
import type { RandomTable, Step } from "./random-table.ts";
import type { PeerName, World } from "./world.ts";

type Shape = Pick<RandomTable, "schemaJson" | "partitionBy">;

/** Makes the table, without rows. */
export async function peerCreate(
  { peers }: World,
  peer: PeerName,
  path: string,
  { schemaJson: schema, partitionBy }: Shape,
  configuration: Readonly<Record<string, string>>,
): Promise<void> {
  await peers[peer].ask("write", { path, mode: "append", schema, rows: [], partitionBy, configuration });
}

/** Makes the table with its first rows, and does all its steps. */
export async function peerSteps(world: World, peer: PeerName, path: string, table: RandomTable): Promise<void> {
  const { schemaJson: schema, partitionBy, first: rows } = table;
  await world.peers[peer].ask("write", { path, mode: "append", schema, rows, partitionBy });
  for (const step of table.steps) await peerStep(world, peer, path, table, step);
}

/** Does one step. */
export async function peerStep(
  { peers }: World,
  peer: PeerName,
  path: string,
  table: Shape,
  step: Step,
): Promise<void> {
  await peers[peer].ask(...(peer === "Spark" ? sparkStep(path, table, step) : deltaRsStep(path, table, step)));
}

type Request = [operation: string, request: Readonly<Record<string, unknown>>];

function sparkStep(path: string, { schemaJson: schema }: Shape, step: Step): Request {
  switch (step.kind) {
    case "append":
    case "overwrite":
      return ["write", { path, schema, mode: step.kind, rows: step.rows }];
    case "merge":
      return ["merge", { path, schema, key: "id", rows: step.rows }];
    case "delete":
      return ["sql", { path, statements: [`DELETE FROM {t} WHERE ${step.where}`] }];
    case "update": {
      const set = Object.entries(step.set).map(([name, value]) => `${name} = ${value}`);
      return ["sql", { path, statements: [`UPDATE {t} SET ${set.join(", ")} WHERE ${step.where}`] }];
    }
    case "optimize":
      return ["sql", { path, statements: ["OPTIMIZE {t}"] }];
    case "checkpoint":
      return ["checkpoint", { path }];
  }
}

function deltaRsStep(path: string, { schemaJson: schema, partitionBy }: Shape, step: Step): Request {
  switch (step.kind) {
    case "append":
    case "overwrite":
      return ["write", { path, schema, mode: step.kind, rows: step.rows, partitionBy }];
    case "merge":
      return ["merge", { path, schema, key: "id", rows: step.rows }];
    default:
      return [step.kind, { path, ...step }];
  }
}
