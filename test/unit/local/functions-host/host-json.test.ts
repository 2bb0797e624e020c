import { expect, test } from "vitest";

import { isDyneError } from "../../../../shared/core/index.ts";
import { parseHostJson } from "../../../../local/functions-host/index.ts";

test("an empty host.json has the defaults of the real host", () => {
  expect(parseHostJson({ version: "2.0" }).extensions).toEqual({
    eventHubs: {
      maxEventBatchSize: 100,
      minEventBatchSize: 1,
      maxWaitTime: 60_000,
      batchCheckpointFrequency: 1,
      initialOffsetOptions: { type: "fromStart" },
    },
    queues: {
      maxPollingInterval: 60_000,
      visibilityTimeout: 0,
      batchSize: 16,
      maxDequeueCount: 5,
      newBatchThreshold: 8,
      messageEncoding: "base64",
    },
    http: { routePrefix: "api", maxOutstandingRequests: -1, customHeaders: {} },
  });
});

test.each([
  ["00:00:01", 1_000],
  ["00:00:00.25", 250],
  ["01:02:03", 3_723_000],
  ["1.00:00:00", 86_400_000],
])("the time span %s is %d ms", (text, expectedMs) => {
  const parsed = parseHostJson({ version: "2.0", extensions: { queues: { maxPollingInterval: text } } });
  expect(parsed.extensions.queues.maxPollingInterval).toBe(expectedMs);
});

test.each([
  [{ version: "1.0" }, "version"],
  [{ version: "2.0", extensions: { queues: { batchSize: 33 } } }, "batchSize"],
  [{ version: "2.0", extensions: { queues: { visibilityTimeout: "30s" } } }, "visibilityTimeout"],
  [{ version: "2.0", extensions: { http: { routePrefix: "/api" } } }, "routePrefix"],
  [{ version: "2.0", extensions: { http: { customHeaders: { "a b": "" } } } }, "customHeaders"],
  [{ version: "2.0", extensions: { http: { customHeaders: { a: "\n" } } } }, "customHeaders"],
  [{ version: "2.0", extensions: { eventHubs: { minEventBatchSize: 200 } } }, "minEventBatchSize"],
])("a wrong value is refused and its field named: %j", (json, field) => {
  const parse = () => parseHostJson(json);
  expect(parse).toThrow(field);
  expect(parse).toThrow(expect.toSatisfy((error) => isDyneError(error, "INVALID_SETTING")));
});
