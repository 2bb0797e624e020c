import { createReadStream } from "node:fs";
import { EventHubProducerClient } from "@azure/event-hubs";
import { Command } from "commander";
import { byteLines, DyneError, isDyneError, limits, sentence } from "../shared/core/index.ts";
import { hubsOf } from "../local/platform/index.ts";
import { pipelines } from "../pipelines/index.ts";
import { Operator } from "./operator.ts";

interface SendOptions {
  readonly data: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** `dyne send`: lines of a file become events of a local hub, byte for byte. */
export function sendCommand(): Command {
  return new Command("send")
    .description('Send each line of a file, or of standard input, to a local hub as one event. Lines end with "\\n".')
    .argument("<hub>", "a hub that a pipeline reads, such as flights")
    .argument("[file]", "without it, standard input is sent")
    .option(
      "--key <field>",
      "take the partition key from this field of each line's JSON; events of a key keep their order",
    )
    .option("--data <folder>", "the data folder of a local run, whether it runs or not", ".dyne/dev")
    .option("--json", "as one line of JSON")
    .addHelpText(
      "after",
      `\nExamples:\n  npm run --silent dyne -- send flights events.jsonl\n  echo '{"flight_id":"F1"}' | npm run --silent dyne -- send flights --key flight_id`,
    )
    .action(send);
}

async function send(hub: string, file: string | undefined, { data, key, json }: SendOptions): Promise<void> {
  const hubs = Object.keys(hubsOf(pipelines));
  if (!hubs.includes(hub))
    throw new DyneError("INVALID_ARGUMENT", `No pipeline reads a hub "${hub}". Choose one of ${hubs.join(", ")}.`);
  await using operator = await Operator.openWithHubs(data);
  const producer = new EventHubProducerClient(operator.eventHubs, hub);
  let events = 0;
  try {
    let lines: Buffer[] = [];
    let bytes = 0;
    for await (const line of linesOf(file)) {
      if (line.length > 0) lines.push(line);
      bytes += line.length;
      if (lines.length < linesAtOnce && bytes < bytesAtOnce) continue;
      events += await sendLines(producer, lines, key);
      lines = [];
      bytes = 0;
    }
    events += await sendLines(producer, lines, key);
  } finally {
    await producer.close();
  }
  process.stdout.write(json === true ? `${JSON.stringify({ hub, events })}\n` : `${events} events sent to ${hub}\n`);
}

const linesAtOnce = 1_000;
const bytesAtOnce = 16 * 1024 * 1024;

/** Sends lines by key, those of a key in their order. Throws LIMIT_EXCEEDED for one that no hub takes. */
async function sendLines(producer: EventHubProducerClient, lines: readonly Buffer[], key: string | undefined) {
  for (const [partitionKey, group] of Map.groupBy(lines, (line) => partitionKeyOf(line, key))) {
    const options = partitionKey === undefined ? {} : { partitionKey };
    let batch = await producer.createBatch(options);
    for (const line of group) {
      const event = { body: line };
      if (batch.tryAdd(event)) continue;
      if (batch.count > 0) await producer.sendBatch(batch);
      batch = await producer.createBatch(options);
      if (!batch.tryAdd(event))
        throw new DyneError(
          "LIMIT_EXCEEDED",
          `A line has ${event.body.length} bytes, more than a hub takes. Split it.`,
        );
    }
    if (batch.count > 0) await producer.sendBatch(batch);
  }
  return lines.length;
}

/** Throws INVALID_ARGUMENT where the file cannot be read, LIMIT_EXCEEDED for a line that nothing takes. */
async function* linesOf(file: string | undefined): AsyncGenerator<Buffer, void> {
  try {
    yield* byteLines(file === undefined ? process.stdin : createReadStream(file), limits.lineBytes);
  } catch (cause) {
    if (isDyneError(cause)) throw cause;
    throw new DyneError("INVALID_ARGUMENT", `${file ?? "Standard input"} cannot be read: ${sentence(cause)}`, {
      cause,
    });
  }
}

/** Throws INVALID_ARGUMENT where a line has no such field. */
function partitionKeyOf(line: Buffer, key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  const text = line.toString();
  let value: unknown;
  try {
    value = (JSON.parse(text) as Record<string, unknown> | null)?.[key];
  } catch {
    value = undefined;
  }
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new DyneError(
    "INVALID_ARGUMENT",
    `A line has no text or number in "${key}": ${text.slice(0, 100)}. Send it without --key.`,
  );
}
