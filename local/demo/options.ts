/** How a run of the demo is set up. */
export interface DemoOptions {
  /** All events sent, injected ones included. */
  readonly events: number;
  /** Events per second over all partitions, or as fast as the hub takes them. */
  readonly rate: number | "max";
  readonly seed: number;
  readonly partitions: number;
  /** The data folder; what it holds is gone on with. */
  readonly directory: string;
}

export const demoHub = "flights";
