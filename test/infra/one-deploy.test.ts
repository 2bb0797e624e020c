import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  blindLooksMax,
  publish,
  publishMs,
  PublishFailure,
  uploadsMax,
  type Surroundings,
} from "../../infra/one-deploy.ts";
import { deployment, startPublishHost, type Answer } from "./publish-host.ts";

const zip = new TextEncoder().encode("PK of the app");
const sha256 = createHash("sha256").update(zip).digest("hex");
const taken: Answer = { status: 202, body: JSON.stringify("d-1") };

/** Publishes to a host that answers so, on a watch that jumps instead of sleeping. */
async function publishing(answers: readonly Answer[], { sleepsAtLeastMs = 0 } = {}) {
  await using host = await startPublishHost(answers);
  const slept: number[] = [];
  const said: string[] = [];
  let tokens = 0;
  const watch = { atMs: 1_000 };
  const surroundings: Surroundings = {
    fetch: (url, init) => fetch(url.replace("https://app.scm.test", `http://${host.host}`), init),
    now: () => watch.atMs,
    sleep: async (ms) => {
      watch.atMs += Math.max(ms, sleepsAtLeastMs);
      slept.push(ms);
    },
  };
  const failure = await publish(
    {
      url: "https://app.scm.test/api/publish",
      zip,
      token: async () => `token ${++tokens}`,
      say: (progress) => said.push(progress),
    },
    surroundings,
  ).then(
    () => undefined,
    (error: Error) => error,
  );
  if (failure !== undefined && !(failure instanceof PublishFailure)) throw failure;
  const uploads = host.asked.filter(({ method }) => method === "POST");
  return { failure: failure?.message, asked: host.asked, uploads: uploads.length, slept, said, tokens };
}

describe("a package", () => {
  it("is sent whole with a token, and the deployment is asked after until it has succeeded", async () => {
    const { failure, asked, slept, said } = await publishing([
      taken,
      deployment(0, "Pending"),
      deployment(2, "Deploying"),
      deployment(2, "Deploying"),
      deployment(4, "Success"),
    ]);
    expect(failure).toBeUndefined();
    const authorization = "Bearer token 1";
    const [post, ...looks] = asked;
    expect(post).toEqual({
      method: "POST",
      path: "/api/publish?remoteBuild=false",
      authorization,
      contentType: "application/zip",
      sha256,
      bytes: zip.byteLength,
    });
    expect(looks.map(({ method, path }) => `${method} ${path}`)).toEqual(Array(4).fill("GET /api/deployments/d-1"));
    expect(new Set(looks.map((look) => look.authorization))).toEqual(new Set([authorization]));
    expect(slept).toEqual([5_000, 5_000, 5_000, 5_000]);
    expect(said).toEqual([
      "The package is sent: 0.0 MB.",
      "Azure has taken the package.",
      "The deployment goes on: Pending.",
      "The deployment goes on: Deploying.",
    ]);
  });

  it("is there at once where Azure says so", async () => {
    const { failure, asked, slept } = await publishing([{ status: 200 }]);
    expect([failure, asked.length, slept]).toEqual([undefined, 1, []]);
  });

  it.for([
    { what: "an object", body: JSON.stringify({ id: "d-1" }), path: "/api/deployments/d-1" },
    { what: "nothing", body: "", path: "/api/deployments/latest" },
    { what: "something that is no id", body: JSON.stringify("../../vfs"), path: "/api/deployments/latest" },
  ])("is followed where the answer has $what", async ({ body, path }) => {
    const { failure, asked } = await publishing([{ status: 202, body }, deployment(4)]);
    expect([failure, asked.at(-1)?.path]).toEqual([undefined, path]);
  });
});

describe("what passes is tried again", () => {
  const passing: readonly { readonly what: string; readonly answer: Answer; readonly afterMs: number }[] = [
    { what: "another deployment (409)", answer: { status: 409 }, afterMs: 20_000 },
    { what: "a publishing host that is not there yet (404)", answer: { status: 404 }, afterMs: 20_000 },
    { what: "a server that fails (500)", answer: { status: 500 }, afterMs: 20_000 },
    { what: "a gateway that gives up (504)", answer: { status: 504 }, afterMs: 20_000 },
    { what: "too many requests (429)", answer: { status: 429, headers: { "retry-after": "7" } }, afterMs: 7_000 },
    {
      what: "a server that wants an hour (503)",
      answer: { status: 503, headers: { "retry-after": "3600" } },
      afterMs: 120_000,
    },
    { what: "a connection that ends", answer: "cut", afterMs: 20_000 },
  ];
  it.for(passing)("$what", async ({ answer, afterMs }) => {
    const { failure, uploads, slept, said } = await publishing([answer, { status: 200 }]);
    expect([failure, uploads, slept]).toEqual([undefined, 2, [afterMs]]);
    expect(said.some((line) => line.includes(`sent again in ${afterMs / 1_000} seconds`))).toBe(true);
  });

  it.for(passing)("and not without end: $what", async ({ answer }) => {
    const { failure, uploads } = await publishing(Array<Answer>(uploadsMax + 3).fill(answer));
    expect(uploads).toBe(uploadsMax);
    expect(failure).toContain(`could not be published in ${uploadsMax} attempts`);
  });

  it.for([5, -1])("a deployment that gave way to another one (status %i)", async (status) => {
    const { failure, uploads } = await publishing([taken, deployment(status), taken, deployment(4)]);
    expect([failure, uploads]).toEqual([undefined, 2]);
  });

  it("an answer about the deployment that is not there, fails or says nothing", async () => {
    const nothing: Answer = { status: 200, body: "<html>" };
    const { failure, uploads } = await publishing([
      taken,
      { status: 404 },
      { status: 502 },
      "cut",
      nothing,
      deployment(4),
    ]);
    expect([failure, uploads]).toEqual([undefined, 1]);
  });

  it("and not without end where the deployment stays unknown", async () => {
    const { failure, asked } = await publishing([taken, ...Array<Answer>(blindLooksMax + 3).fill({ status: 404 })]);
    expect(asked.length).toBe(1 + blindLooksMax);
    expect(failure).toContain("could not be found out in 12 requests");
  });
});

describe("a token that Azure does not take", () => {
  it("is replaced once, in an upload and in a look", async () => {
    const { failure, asked, tokens } = await publishing([
      { status: 401 },
      taken,
      { status: 401 },
      deployment(2),
      deployment(4),
    ]);
    expect([failure, tokens]).toEqual([undefined, 3]);
    expect(asked.map(({ authorization }) => authorization)).toEqual([
      "Bearer token 1",
      "Bearer token 2",
      "Bearer token 2",
      "Bearer token 3",
      "Bearer token 3",
    ]);
  });

  it("fails with what to do where the new one is not taken either", async () => {
    const { failure, uploads } = await publishing([{ status: 401 }, { status: 401 }]);
    expect(uploads).toBe(2);
    expect(failure).toContain("az login --tenant");
  });
});

describe("what does not pass fails at once, with what to do", () => {
  it.for([
    { status: 403, says: "Website Contributor" },
    { status: 400, says: "Azure does not take the package (400). Azure says: the zip is broken" },
    { status: 413, says: "(413)" },
    { status: 302, says: "(302)" },
  ])("a refusal with $status", async ({ status, says }) => {
    const { failure, asked } = await publishing([{ status, body: "the zip is broken", headers: { location: "/x" } }]);
    expect(asked.length).toBe(1);
    expect(failure).toContain(says);
  });

  it.for([3, 6])("a deployment that failed (status %i), with Azure's reason and where the log is", async (status) => {
    const more = { message: "host.json is missing", log_url: "https://app.scm.test/api/deployments/d-1/log" };
    const { failure, uploads } = await publishing([taken, deployment(status, "Failed.", more)]);
    expect(uploads).toBe(1);
    expect(failure).toContain("Failed. host.json is missing Its log: https://app.scm.test/api/deployments/d-1/log");
  });

  it("a deployment that does not end in time", async () => {
    const goesOn = Array<Answer>(1_000).fill(deployment(2, "Deploying"));
    const { failure, asked } = await publishing([taken, ...goesOn], { sleepsAtLeastMs: 60_000 });
    expect(asked.length).toBeLessThanOrEqual(1 + publishMs / 60_000);
    expect(failure).toContain("not published within 20 minutes. Last seen: The deployment goes on: Deploying.");
  });
});
