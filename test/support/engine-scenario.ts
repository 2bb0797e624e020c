/** A short history in which every flow of the fixture has something to do, several times: what the tests of faults go through. */
import { startMs, type EngineWorld } from "./engine-harness.ts";

/** What happens in the world, and what an instance then does. The first part never fails; the second is safe to repeat. */
export interface Act {
  readonly happens: (world: EngineWorld) => Promise<void>;
  readonly works: (world: EngineWorld) => Promise<void>;
}

/** A reading whose event time is so many minutes after the start. */
export function readingAt(minutes: number, id: string | null, device: string | null, value: number | null) {
  return { reading_id: id, device, event_time: new Date(startMs + minutes * 60_000).toISOString(), value };
}

/** Events arrive five minutes apart: duplicates, malformed, late and rejected ones, a batch that only evicts, files that come in between. */
export const scenario: readonly Act[] = [
  {
    happens: async (world) => {
      await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\nd2,south,seven\n");
      await world.land("landing/notes/a.jsonl", '{"id":1,"written":"2026-01-01","text":"x"}\nnot json\n[2]\n');
      world.send("0", [readingAt(0, "a", "d1", 5), "oops", readingAt(1, "a", "d1", 5), readingAt(12, "b", "d2", 7)]);
      world.send("1", [readingAt(20, "c", "d9", 9), readingAt(24, "d", "d1", -1)]);
    },
    works: (world) => world.engine.sweep(),
  },
  {
    happens: async (world) => {
      world.send("0", [readingAt(28, "e", "d2", 3), readingAt(3, "f", "d1", 4), readingAt(19, "b", "d2", 7)]);
    },
    works: async (world) => {
      const events = await world.estate.hub.read({ hub: "events", partition: "0", fromSequence: 4, untilSequence: 7 });
      await world.engine.hubEvents("events", "0", events);
      await world.engine.sweep();
    },
  },
  {
    happens: async (world) => {
      await world.land("landing/devices/b.csv", "code,site,weight\nd9,east,1\n");
      world.send("1", [readingAt(45, "g", "d9", 3), readingAt(36, "c", "d9", 9), readingAt(40, "c", "d9", 9)]);
      world.send("0", [readingAt(36, "e", "d2", 3), readingAt(50, "h", "d1", 4)], { source: "replay" });
    },
    works: async (world) => {
      await world.engine.blobCreated("landing/devices/b.csv");
      await world.engine.sweep();
    },
  },
  {
    happens: async (world) => {
      world.send("0", [readingAt(80, "a", "d1", 5), readingAt(75, "h", "d1", 4)]);
      world.send("1", [readingAt(81, "i", "d2", 5)]);
    },
    works: (world) => world.engine.sweep(),
  },
];
