/** A process of the local platform in small: does what its argument says. */
import { writeFileSync } from "node:fs";
import { DyneError } from "../../../../shared/core/index.ts";

interface Orders {
  readonly say?: readonly string[];
  readonly complain?: readonly string[];
  readonly exitCode?: number;
  /** Variables whose values it prints as a line of JSON. */
  readonly show?: readonly string[];
  /** Written when it is asked to stop. */
  readonly farewell?: string;
}

const argument = process.argv[2];
if (argument === undefined) throw new DyneError("INVALID_ARGUMENT", "Orders are missing.");
const orders = JSON.parse(argument) as Orders;
for (const line of orders.complain ?? []) process.stderr.write(`${line}\n`);
if (orders.exitCode !== undefined) process.exitCode = orders.exitCode;
else {
  const stop = (why: string) => () => {
    if (orders.farewell !== undefined) writeFileSync(orders.farewell, why);
    process.exit(0);
  };
  process.once("SIGTERM", stop("SIGTERM"));
  process.stdin.once("end", stop("parent gone")).resume();
}
if (orders.show !== undefined) {
  process.stdout.write(`${JSON.stringify(Object.fromEntries(orders.show.map((name) => [name, process.env[name]])))}\n`);
}
for (const line of orders.say ?? []) process.stdout.write(`${line}\n`);
