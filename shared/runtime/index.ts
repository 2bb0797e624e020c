/** runtime: the composition root, and the only reader of the environment. */
export { App, appOf } from "./app.ts";
export { openStores } from "./connections.ts";
export { AmqpEventHubReader } from "../sources/amqp-event-hub-reader.ts";
export { credentialOf } from "./credential.ts";
export { engineContext } from "./open-app.ts";
export { functionsOf, scheduleOf } from "./triggers.ts";
export { jsonLogger } from "./json-logger.ts";
export { openSecrets, Secret, type SecretPatience, type Secrets, VaultSecrets } from "./secrets.ts";
export { readSettings, type Settings } from "./settings.ts";
export { QueueDoorbells, QueueJobBells } from "./queue-doorbells.ts";
