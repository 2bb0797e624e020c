import { openCompute } from "../support/compute-under-test.ts";
import { computeContract } from "./compute.contract.ts";

computeContract("DuckDbCompute", () => openCompute());
