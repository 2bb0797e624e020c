/**
 * What alerts ask of the app's log. The app writes lines of JSON to its console, which Application Insights keeps as messages of `traces`: one per
 * batch, one per flow and queue every five minutes (shared/runtime/status-log.ts), one per failure.
 */

/** An alert by a query: it fires for each `per` of which the query gives a row. */
export interface QueryAlert {
  readonly name: string;
  /** 0 critical, 1 error, 2 warning, 3 informational. */
  readonly severity: 0 | 1 | 2 | 3;
  readonly description: string;
  /** Gives rows with the columns `found`, and `per`. */
  readonly query: string;
  readonly per: "flow" | "queue" | undefined;
  readonly windowMinutes: number;
  /** Fires where the query gives nothing, rather than where it gives something. */
  readonly isAboutSilence: boolean;
}

const lines = `let lines = traces
  | where message startswith "{"
  | extend line = parse_json(message)
  | extend said = tostring(line.message), flow = tostring(line.flow);`;

const windowMinutes = 15;
const windowMs = windowMinutes * 60_000;
/**
 * Of the three looks in a window, as many as have to agree. The newest one may still be on its way when the rule looks, and then is at every run of the
 * rule, because both come every five minutes.
 */
const looksOfWindow = 2;

/** The alerts of a stack; freshness is watched where there is a limit to it. */
export function queryAlerts({
  freshnessHours,
}: {
  readonly freshnessHours: number | undefined;
}): readonly QueryAlert[] {
  const always: readonly QueryAlert[] = [
    {
      name: "failed",
      severity: 1,
      description:
        "A flow has failed, or its query has changed: it stands still until somebody acts. See docs/operations.md.",
      query: `${lines}
lines
| where said == "flow failed" or (said == "flow status" and tostring(line.state) in ("FAILED", "PLAN_CHANGED"))
| summarize found = count() by flow`,
      per: "flow",
      windowMinutes,
      isAboutSilence: false,
    },
    {
      name: "lag",
      severity: 2,
      description:
        "A flow is about 15 minutes behind or more: at every look in 15 minutes more was waiting than it took in. One whose batches are further apart, by its minInterval or the share of time that its refreshes may take, has committed none for 15 minutes more than that.",
      query: `${lines}
let taken = lines
  | where said == "batch committed"
  | summarize rows = sum(tolong(line.inputRows)), batches = count() by flow;
lines
| where said == "flow status" and tostring(line.state) in ("NEW", "RUNNING")
| summarize looks = count(), events = min(tolong(line.eventsBehind)), versions = min(tolong(line.versionsBehind)), intervalMs = max(tolong(line.intervalMs)), idleMs = min(tolong(line.freshnessMs)) by flow
| join kind=leftouter taken on flow
| where looks >= ${looksOfWindow}
| extend isBehind = events > coalesce(rows, 0) or (versions > 0 and coalesce(batches, 0) == 0)
| where iff(intervalMs > ${windowMs} and isnotnull(idleMs), (events > 0 or versions > 0) and idleMs > intervalMs + ${windowMs}, isBehind)
| project flow, found = 1`,
      per: "flow",
      windowMinutes,
      isAboutSilence: false,
    },
    {
      name: "poison",
      severity: 2,
      description: "Messages were given up on after five tries. No data are in them; the log says why they failed.",
      query: `${lines}
lines
| where said == "queue status" and tolong(line.messages) > 0
| summarize found = max(tolong(line.messages)) by queue = tostring(line.queue)`,
      per: "queue",
      windowMinutes,
      isAboutSilence: false,
    },
    {
      name: "silent",
      severity: 1,
      description:
        "The app has not said for 15 minutes where its flows stand: it does not start, or cannot write its log.",
      query: `${lines}
lines
| where said == "flow status"
| summarize found = count()`,
      per: undefined,
      windowMinutes,
      isAboutSilence: true,
    },
  ];
  return freshnessHours === undefined ? always : [...always, stale(freshnessHours)];
}

function stale(freshnessHours: number): QueryAlert {
  return {
    name: "stale",
    severity: 2,
    description: `A table has not changed for more than ${freshnessHours} hours.`,
    query: `${lines}
lines
| where said == "flow status"
| summarize freshnessMs = min(tolong(line.freshnessMs)) by flow
| where freshnessMs > ${freshnessHours * 3_600_000}
| project flow, found = 1`,
    per: "flow",
    windowMinutes,
    isAboutSilence: false,
  };
}
