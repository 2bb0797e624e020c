/** What an answer of one of Azure's services, or the lack of one, says about access. */

/** What a service or its client said. */
export interface Refusal {
  /** The status of the service's answer; undefined where there was none. */
  readonly status: number | undefined;
  /** The service's code, or the name of the client's error: one word, never a text of the service. */
  readonly code: string;
  /** True where asking again does not help before somebody has changed a role, a rule or a setting. */
  readonly isDenied: boolean;
}

/** Describes anything that a client of the SDKs throws. */
export function describeRefusal(error: unknown): Refusal {
  if (!(error instanceof Error)) return { status: undefined, code: typeof error, isDenied: false };
  const { statusCode, code } = error as { readonly statusCode?: unknown; readonly code?: unknown };
  const status = typeof statusCode === "number" ? statusCode : undefined;
  return {
    status,
    code: typeof code === "string" && /^[\w.-]{1,100}$/.test(code) ? code : error.name,
    isDenied: status === 401 || status === 403,
  };
}
