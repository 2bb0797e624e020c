/** The port that a service had in an earlier run of a data folder: who sends to it need not look it up again. */
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";

/** The port in the file, where it is free; else 0, which asks for any. */
export async function rememberedPort(file: string): Promise<number> {
  const text = await readFile(file, "utf8").catch(() => "0");
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return 0;
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return port;
  } catch {
    return 0;
  } finally {
    if (server.listening) await new Promise((closed) => server.close(closed));
  }
}

export function rememberPort(file: string, port: number): Promise<void> {
  return writeFile(file, String(port));
}
