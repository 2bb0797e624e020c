/** One half of the simulated schedules: see halves.ts. */
import { schedulesOfHalf } from "./halves.ts";

schedulesOfHalf(0);
