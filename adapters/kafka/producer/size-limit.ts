import { untilAborted, type Connection } from '../transport';
import { topicConfig } from '../topic';

/** Kafka's defaults, where the topic's own are not to be had. */
const DEFAULT_BATCH_BYTES = 1_048_588;
/** A request above 100 MB (socket.request.max.bytes) is no error but a cut connection; this leaves room for the rest of one. */
const LARGEST_BATCH_BYTES = 64 * 1024 * 1024;
/** So long until a raised limit is noticed. A lowered one shows as an error, after which it is asked for anew. */
const KEPT_MS = 60_000;
/** Both bound a record batch: the broker refuses one that is larger than either. */
const BOUNDS = ['max.message.bytes', 'segment.bytes'];

/** The bytes that a record batch may have on the topic, asked for now and then. */
export class SizeLimit {
  #known: { bytes: number; askedAt: number } | undefined;

  async of(connection: Connection, signal: AbortSignal): Promise<number> {
    if (this.#known === undefined || Date.now() - this.#known.askedAt > KEPT_MS) {
      this.#known = { bytes: await untilAborted(ask(connection), signal), askedAt: Date.now() };
    }
    return this.#known.bytes;
  }

  forget(): void {
    this.#known = undefined;
  }
}

async function ask(connection: Connection): Promise<number> {
  const config = await topicConfig(connection, BOUNDS);
  if (config === undefined) return DEFAULT_BATCH_BYTES;
  const bounds = Object.values(config).map(Number);
  return Math.min(LARGEST_BATCH_BYTES, ...bounds.filter((bytes) => bytes > 0));
}
