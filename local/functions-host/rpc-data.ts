/**
 * `TypedData` of the Functions host's gRPC protocol, as far as the triggers here use it: how the host hands values to
 * the language worker. The worker's own library turns them into what a handler sees, with all its peculiarities.
 * Source: github.com/Azure/azure-functions-language-worker-protobuf, FunctionRpc.proto.
 */
export type RpcTypedData =
  | { readonly string: string }
  | { readonly json: string }
  | { readonly bytes: Uint8Array }
  | { readonly int: number }
  | { readonly http: Readonly<Record<string, unknown>> }
  | { readonly collectionBytes: { readonly bytes: readonly Uint8Array[] } }
  | { readonly collectionString: { readonly string: readonly string[] } }
  | { readonly collectionSint64: { readonly sint64: readonly RpcLong[] } };

/** A 64-bit integer of the wire: which form arrives depends on the worker's protobuf build. */
export type RpcLong = number | string | { readonly low: number; readonly high: number; readonly unsigned: boolean };

/** Trigger metadata by the host's own names; the worker makes the first letters lower-case. */
export type RpcMetadata = Readonly<Record<string, RpcTypedData>>;

/** A value that the host serialises as JSON. */
export function jsonData(value: unknown): RpcTypedData {
  return { json: JSON.stringify(value) };
}

/** A moment as .NET serialises a `DateTimeOffset`. */
export function dateTimeOffset(moment: Date): string {
  return moment.toISOString().replace("Z", "+00:00");
}

/** A 64-bit integer in one of the forms that workers are seen to deliver. */
export function longInForm(value: number, form: "number" | "string" | "long"): RpcLong {
  if (form === "number") return value;
  if (form === "string") return String(value);
  const bits = BigInt(value);
  return { low: Number(BigInt.asIntN(32, bits)), high: Number(BigInt.asIntN(32, bits >> 32n)), unsigned: false };
}
