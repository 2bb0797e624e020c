/** Which process a process id means: ids are given again, so when it began belongs to it. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * When the running process of an id began, as a word that differs for every process of that id; undefined where none runs. One that has
 * ended and only waits for its parent to collect it does not run.
 */
export function startOfProcess(pid: number): string | undefined {
  return process.platform === "linux" ? startOnLinux(pid) : startByPs(pid);
}

/** `/proc/<pid>/stat` is `<pid> (<name>) <state> … <start in ticks since boot> …`, where the name may hold anything (proc(5)). */
function startOnLinux(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", start = ""] = [fields[0], fields[19]];
  if (state === "Z" || state === "X") return undefined;
  return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${start}`;
}

function startByPs(pid: number): string | undefined {
  try {
    const [state = "Z", ...start] = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    })
      .trim()
      .split(/\s+/);
    return state.startsWith("Z") ? undefined : start.join("_");
  } catch {
    return undefined;
  }
}
