import { Command } from "commander";
import { openApiDocument, routes } from "../shared/http/index.ts";

/** `dyne openapi`: the description of the HTTP API. */
export function openapiCommand(): Command {
  return new Command("openapi")
    .description("Print the description of the HTTP API, an OpenAPI 3.1 document as JSON.")
    .option("--json", "as one line")
    .addHelpText(
      "after",
      "\nExamples:\n  npm run --silent dyne -- openapi\n  npm run --silent dyne -- openapi --json > openapi.json",
    )
    .action((options: { json?: boolean }) => {
      process.stdout.write(`${JSON.stringify(openApiDocument(routes), null, options.json === true ? undefined : 2)}\n`);
    });
}
