import { systemClock } from "../../shared/core/index.ts";

/** Work that is done before nobody wonders is not reported; then it is said once a second where it stands. */
const patienceMs = 2_000;
const everyMs = 1_000;

/** Says on standard error how far long work is: "  120 of 4000 files". Call it with the number that is done by then. */
export function progressOn(what: string, total: number): (done: number) => void {
  let saidMs = systemClock.nowMs() + patienceMs - everyMs;
  return (done) => {
    const nowMs = systemClock.nowMs();
    if (nowMs - saidMs < everyMs) return;
    saidMs = nowMs;
    process.stderr.write(`  ${done} of ${total} ${what}\n`);
  };
}
