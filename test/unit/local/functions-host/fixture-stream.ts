/** An app that asks for its HTTP to be streamed: a setting of the library that holds for the whole process. */
import { app } from "@azure/functions";

app.setup({ enableHttpStream: true });
app.get("ping", () => ({ body: "pong" }));
