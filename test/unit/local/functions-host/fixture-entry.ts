/** A module as an app has them: importing it registers a function and hooks that speak through the log. */
import { app } from "@azure/functions";

app.hook.appStart(() => {
  console.error(`start ${process.env["GREETING"]}`);
});
app.hook.appTerminate(() => {
  console.error("terminate");
});
app.timer("beat", {
  schedule: "0 0 0 1 1 *",
  runOnStartup: true,
  handler: (timer, context) => context.log("beat", timer.isPastDue),
});
