/** Which driver runs a declared flow. */
import { DyneError } from "../../core/index.ts";
import type { EngineContext } from "../context.ts";
import type { DeclaredFlow } from "../declared-flow.ts";
import type { FlowDriver } from "../flow.ts";
import { FilesDriver } from "./files-driver.ts";
import { HubDriver } from "./hub-driver.ts";
import { StreamDriver } from "./stream-driver.ts";
import { ViewDriver } from "./view-driver.ts";

/** The driver of a flow; `known` gives those of the flows before it in the order of the graph. Throws what the driver refuses. */
export function driverOf(
  context: EngineContext,
  declared: DeclaredFlow,
  known: (flow: string) => FlowDriver | undefined,
): FlowDriver {
  switch (declared.kind) {
    case "hub":
      return new HubDriver(context, declared);
    case "files":
      return new FilesDriver(context, declared);
    case "view":
      return new ViewDriver(context, declared);
    case "stream": {
      const upstream = known(declared.stream.writtenBy);
      if (upstream === undefined)
        throw new DyneError(
          "INVALID_PIPELINE",
          `${declared.id} reads ${declared.stream.name}, which comes after it. This is a bug in dyne.`,
        );
      return new StreamDriver(context, declared, upstream);
    }
  }
}
