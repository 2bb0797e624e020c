/** An app with one HTTP function. */
import { app } from "@azure/functions";

app.get("ping", () => ({ body: "pong" }));
