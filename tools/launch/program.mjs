import { spawn } from "node:child_process";
import { delimiter, dirname, join, resolve } from "node:path";
import { root } from "./root.mjs";

/** A second signal of one kind within this time is the same one: npm, the shell and the terminal all pass it on. */
const sameSignalMs = 1_000;

/** What Node compiled once, TypeScript and packages, every later process takes from here: dyne answers in half of the time. */
const compileCache = join(root, "node_modules/.cache/node");

/**
 * Runs a program of the checkout under `node` in the caller's folder, and ends as it ends: with its code or signal. What `env` says counts
 * where the caller's environment does not say otherwise.
 */
export async function runProgram(node, [program, ...args], env = {}) {
  const child = spawn(node, [resolve(root, program), ...args], {
    cwd: process.cwd(),
    env: {
      NODE_COMPILE_CACHE: compileCache,
      ...env,
      ...process.env,
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`,
    },
    stdio: "inherit",
  });
  const { code, signal } = await passSignals(child);
  if (signal === null) process.exitCode = code;
  else process.kill(process.pid, signal);
}

/**
 * Waits for a child and passes SIGINT, SIGTERM and SIGHUP on to it meanwhile. Gives its exit code, or the signal that
 * ended it, and the signal that asked for the end if there was one. A terminal sends Ctrl-C to the child itself, so that one is not passed on.
 */
export function passSignals(child) {
  const lastMs = {};
  let asked;
  const pass = (signal) => {
    asked = signal;
    if (signal === "SIGINT" && process.stdin.isTTY) return;
    const nowMs = Date.now();
    if (nowMs - (lastMs[signal] ?? 0) > sameSignalMs) child.kill(signal);
    lastMs[signal] = nowMs;
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, pass);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => done({ code, signal, asked }));
  }).finally(() => {
    for (const signal of signals) process.off(signal, pass);
  });
}
