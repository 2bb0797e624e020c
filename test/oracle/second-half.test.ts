/** The other half of the random pipelines: see seeds.ts. */
import { pipelinesOfHalf } from "./seeds.ts";

pipelinesOfHalf(1);
