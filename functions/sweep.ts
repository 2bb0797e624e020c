/** The safety net: looks at every flow on a schedule and finishes what no bell announced. */
import { app } from "@azure/functions";
import { pipelines } from "../pipelines/index.ts";
import { appOf, functionsOf, scheduleOf } from "../shared/runtime/index.ts";

for (const { name, schedule } of functionsOf(pipelines, "timer")) {
  app.timer(name, {
    schedule: scheduleOf(pipelines, schedule),
    handler: () => appOf(pipelines).sweep(),
  });
}

app.hook.appTerminate(() => appOf(pipelines).close());
