import type { RpcMetadata, RpcTypedData } from "../../local/functions-host/index.ts";

/** What a measured process is told. */
export interface WorkerConfig {
  readonly settings: Readonly<Record<string, string>>;
  /** The app's modules, absolute. */
  readonly entries: readonly string[];
  /** Functions to run, one after another, until bronze and gold are committed. */
  readonly calls: readonly FunctionCall[];
}

export interface FunctionCall {
  readonly name: string;
  readonly metadata: RpcMetadata;
  readonly data: RpcTypedData;
  /** Instead of the data: bodies as base64, because JSON has no bytes. */
  readonly bodies?: readonly string[];
}
