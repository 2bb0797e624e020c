/** The pipelines of this project. */
import type { Pipeline } from "../shared/pipeline/index.ts";
import { customerEvents } from "./customer-events.ts";
import { flights } from "./flights.ts";
import { sensors } from "./sensors.ts";

export const pipelines: readonly Pipeline[] = [flights, customerEvents, sensors];
