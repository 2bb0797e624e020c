/** What belongs to a flow as a whole: its generations and its state. */
import {
  DyneError,
  generation,
  isDyneError,
  laneId,
  type FlowId,
  type Generation,
  type LaneId,
} from "../core/index.ts";
import { flowStateRecord, generationRecord, type FlowStateRecord, type GenerationRecord } from "./formats.ts";
import { layout } from "./layout.ts";
import { encodeRecord, decodeRecord, putRecordIfAbsent, readRecord, type RecordContext } from "./records.ts";

export class FlowLog {
  readonly flow: FlowId;
  readonly #context: RecordContext;

  constructor(context: RecordContext, flow: FlowId) {
    this.flow = flow;
    this.#context = context;
  }

  /** All generations, oldest first. */
  async generations(): Promise<GenerationRecord[]> {
    const records: GenerationRecord[] = [];
    for await (const meta of this.#context.store.list(layout.generations(this.flow))) {
      const record = await readRecord(this.#context.store, generationRecord, meta.path);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /** One generation, read by name. */
  generationAt(g: Generation): Promise<GenerationRecord | undefined> {
    return readRecord(this.#context.store, generationRecord, layout.generation(this.flow, g));
  }

  /** The lanes that have begun in a generation, by listing all that is there of it. */
  async lanes(g: Generation): Promise<LaneId[]> {
    const root = `${layout.generationRoot(this.flow, g)}/`;
    const lanes = new Set<string>();
    for await (const { path } of this.#context.store.list(root)) {
      const [lane = "", log] = path.slice(root.length).split("/");
      if (log === "offsets") lanes.add(lane);
    }
    return [...lanes].map(laneId);
  }

  /** Takes the next entry, or returns what another put there. */
  putGeneration(record: GenerationRecord) {
    return putRecordIfAbsent(
      this.#context,
      generationRecord,
      layout.generation(this.flow, generation(record.generation)),
      record,
    );
  }

  /** The flow's state with the etag to change it by; RUNNING where nothing was ever written. */
  async state(): Promise<{ readonly record: FlowStateRecord | undefined; readonly etag: string | undefined }> {
    const path = layout.state(this.flow);
    const object = await this.#context.store.get(path);
    if (object === undefined) return { record: undefined, etag: undefined };
    return { record: decodeRecord(flowStateRecord, path, object.bytes), etag: object.etag };
  }

  /** Changes the state by put-if-match. False where somebody else changed it first: read again and decide again. */
  async putState(record: FlowStateRecord, etag: string | undefined): Promise<boolean> {
    const path = layout.state(this.flow);
    const bytes = encodeRecord(record);
    try {
      const result =
        etag === undefined
          ? await this.#context.store.putIfAbsent(path, bytes)
          : await this.#context.store.putIfMatch(path, bytes, etag);
      return result.kind === "created" || result.kind === "replaced";
    } catch (error) {
      if (!isDyneError(error, "STORAGE_UNAVAILABLE")) throw error;
      throw new DyneError(
        "STORAGE_UNAVAILABLE",
        `The state of ${this.flow} may or may not have been written. Read it again.`,
        { cause: error },
      );
    }
  }
}

/** True where the flow has failed in this generation or a later one: what failed one before it is over. */
export function hasFailed(state: FlowStateRecord | undefined, generation: number): boolean {
  return state?.state === "FAILED" && (state.failure?.generation ?? 0) >= generation;
}
