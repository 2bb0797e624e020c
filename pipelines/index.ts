/** The pipelines of this project. */
import type { Pipeline } from "../shared/pipeline/index.ts";
import { flights } from "./flights.ts";

export const pipelines: readonly Pipeline[] = [flights];
