/** The samples that are fed with streams made up from a seed: which hubs they read, and how their tables are proved. */
import {
  planCustomerChanges,
  planCustomerEvents,
  planReadings,
  type DraftedPlanOptions,
  type Plan,
} from "../feeder/index.ts";
import type { Check, CheckRoom } from "./check-room.ts";
import { checkCustomerEvents } from "./customer-checks.ts";
import type { DemoOptions } from "./options.ts";
import { checkSensors } from "./sensor-checks.ts";

export const sampleNames = ["customer-events", "sensors"] as const;
export type SampleName = (typeof sampleNames)[number];

/** How a sample's streams are made up. */
export type SampleOptions = Pick<DemoOptions, "seed" | "events" | "partitions"> & Pick<DraftedPlanOptions, "nowMs">;

/** What a hub gets. */
export interface SampleStream {
  readonly hub: string;
  readonly events: number;
  readonly plan: Plan;
}

export interface Sample {
  readonly streams: (options: SampleOptions) => readonly SampleStream[];
  /** The room has each table as a view, `silver_events` for `silver.events`, and its quarantine as `quarantine_silver_events`. */
  readonly check: (room: CheckRoom, options: SampleOptions) => Promise<readonly Check[]>;
}

const stream = (
  hub: string,
  planOf: (options: DraftedPlanOptions) => ReturnType<Plan>,
  options: SampleOptions,
): SampleStream => ({
  hub,
  events: options.events,
  plan: (from) => planOf({ ...options, from }),
});

export const samples: Readonly<Record<SampleName, Sample>> = {
  "customer-events": {
    streams: (options) => [
      stream("events", planCustomerEvents, options),
      stream("customers", planCustomerChanges, { ...options, events: customerChanges(options) }),
    ],
    check: async (room, options) =>
      checkCustomerEvents(room, {
        events: planCustomerEvents(options),
        changes: planCustomerChanges({ ...options, events: customerChanges(options) }),
      }),
  },
  sensors: {
    streams: (options) => [stream("readings", planReadings, options)],
    check: async (room, options) => checkSensors(room, () => planReadings(options)),
  },
};

/** All customers are told of, and one change goes with twenty events. */
const customerChanges = ({ events }: SampleOptions): number => 300 + Math.floor(events / 20);
