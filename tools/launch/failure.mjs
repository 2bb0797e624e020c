/** Something the user can put right; the message says how. Anything else that is thrown is a bug. */
export class LaunchFailure extends Error {}

/** Somebody asked for the end, by the signal named, while something was being made. */
export class Interruption extends Error {
  constructor(signal) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}

const reasons = [
  {
    pattern: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENETWORK/,
    advice:
      "The package registry cannot be reached. Check the network, and the proxy settings of npm if there is a proxy.",
  },
  {
    pattern: /CERT|certificate/i,
    advice:
      "The registry's certificate is not trusted. Point NODE_EXTRA_CA_CERTS, or npm's cafile, to your CA's certificate.",
  },
  { pattern: /ENOSPC/, advice: "The disk is full. dyne's packages need about 700 MB." },
  { pattern: /EACCES|EPERM|EROFS/, advice: "This folder cannot be written. Take a checkout that belongs to you." },
  { pattern: /EUSAGE|in sync/, advice: "package.json and package-lock.json do not fit together. Run: npm install" },
  { pattern: /EINTEGRITY/, advice: "A package differs from what the lockfile promises. Run: npm cache clean --force" },
];

/** A failed npm run, explained: the advice first, then npm's last words. */
export function npmFailure(what, output) {
  const advice = reasons.find(({ pattern }) => pattern.test(output))?.advice ?? "npm says:";
  const lastLines = output.trimEnd().split("\n").slice(-12);
  return new LaunchFailure(`${what} failed. ${advice}\n${lastLines.map((line) => `  ${line}`).join("\n")}`);
}
