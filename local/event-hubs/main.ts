/**
 * The namespace as a process of its own: `node main.ts '<config>'`, where the configuration is one JSON object
 *
 *     {"directory": ".dyne/hubs", "port": 5672, "hubs": {"flights": {"partitions": 4, "consumerGroups": ["dyne-trigger", "dyne-read"]}}}
 *
 * Prints one line, `{"ready":true,"port":…,"address":"sb://…","connectionString":…}`, when it takes connections. It ends on SIGTERM, on SIGINT,
 * and when its standard input is closed, which is how it notices that its parent has gone.
 */
import { z } from "zod";
import { systemClock } from "../../shared/core/clock.ts";
import type { Logger } from "../../shared/core/logger.ts";
import { awaitLock } from "../ownership/index.ts";
import { startEventHubs } from "./server.ts";

const configuration = z.strictObject({
  directory: z.string().min(1),
  port: z.number().int().min(0).max(65_535).optional(),
  /** The file that says whose the directory is; its owner is waited for. */
  lock: z.string().min(1).optional(),
  /** Over TLS and with tokens alone. */
  secured: z
    .strictObject({
      certificatePath: z.string().min(1),
      keyPath: z.string().min(1),
      keysUrl: z.url(),
      issuer: z.url(),
      rights: z.record(z.string(), z.array(z.enum(["listen", "send"]))),
    })
    .optional(),
  hubs: z.record(
    z.string(),
    z.strictObject({
      partitions: z.number().int(),
      consumerGroups: z.array(z.string()),
      retentionBytes: z.number().positive().optional(),
      retentionMs: z.number().positive().optional(),
    }),
  ),
});

const logger: Logger = {
  debug() {},
  info: (message, fields) => writeLog("info", message, fields),
  warn: (message, fields) => writeLog("warn", message, fields),
  error: (message, fields) => writeLog("error", message, fields),
};

function writeLog(level: string, message: string, fields: object = {}): void {
  process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
}

async function main(): Promise<void> {
  const { hubs, directory, port, lock, secured } = configuration.parse(JSON.parse(process.argv[2] ?? "{}"));
  const held = lock === undefined ? undefined : await awaitLock(lock);
  const server = await startEventHubs({
    directory,
    hubs,
    port,
    secured: secured && (await securityOf(secured)),
    clock: systemClock,
    logger,
  });
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    process.stdin.pause();
    server[Symbol.asyncDispose]()
      .then(() => held?.[Symbol.asyncDispose]())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  process.stdin.once("end", end).once("close", end).once("error", end).resume();
  process.stdout.write(
    `${JSON.stringify({ ready: true, port: server.port, address: server.address, connectionString: server.connectionString })}\n`,
  );
}

async function securityOf(settings: NonNullable<z.infer<typeof configuration>["secured"]>) {
  // Whoever is not secured starts without what judges tokens.
  const { readCertificate, resources, TokenCheck } = await import("../identity/index.ts");
  const { certificate, key } = await readCertificate(settings.certificatePath, settings.keyPath);
  const tokens = new TokenCheck({ ...settings, audience: resources.eventHubs }, systemClock);
  return { certificate, key, tokens, rights: settings.rights };
}

try {
  await main();
} catch (error) {
  writeLog("error", error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
