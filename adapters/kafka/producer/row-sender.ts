import type { OutgoingMessage, Trace } from '../../../ports';
import { TRACEPARENT } from '../../../domain/trace-context';
import { partitionOf } from './partitioner';
import { encodeHeaders, RecordBatchBuilder, sizeAlone } from '../records';
import type { PartitionBatch, TransactionalProducer } from './transactional-producer';

/** Larger batches bring no more rows a second. A larger row has one of its own, if the topic takes it. */
const MAX_BATCH_BYTES = 900_000;
/** A request over all partitions. Larger ones bring no more rows a second, only memory. */
const MAX_REQUEST_BYTES = 1_500_000;

/**
 * Spreads rows over the partitions by key and sends them in requests of bounded size. While one request is on
 * its way the next one is filled, so reading, encoding and the brokers' work overlap; memory is two requests.
 */
export class RowSender {
  #filling: RecordBatchBuilder[];
  #spare: RecordBatchBuilder[];
  #bytes = 0;
  #rows = 0;
  #sentRows = 0;
  #inFlight: Promise<void> = Promise.resolve();
  #keyless = 0;
  /** Of the first record of each batch, so that whoever reads a part of the rows meets it; a few bytes in thousands. */
  readonly #headers: Buffer | undefined;

  constructor(
    private readonly producer: TransactionalProducer,
    private readonly options: {
      signal: AbortSignal;
      onProgress: (rowsSoFar: number) => void;
      /** The bytes that a record batch may have on this topic. */
      limit: number;
      /** What to send in place of a row that is above it. */
      onOversized: (row: OutgoingMessage) => Promise<OutgoingMessage>;
      trace: Trace;
    },
  ) {
    const { partitions } = producer.connection;
    const builders = () => partitions.map(() => new RecordBatchBuilder(1 << 16));
    this.#filling = builders();
    this.#spare = builders();
    const place = options.trace.current();
    this.#headers = place === undefined ? undefined : encodeHeaders(TRACEPARENT, place);
  }

  get rows(): number {
    return this.#rows;
  }

  async add(messages: readonly OutgoingMessage[]): Promise<void> {
    const { limit, onOversized } = this.options;
    const full = Math.min(MAX_BATCH_BYTES, limit);
    for (const message of messages) {
      const key = message.key === null ? null : Buffer.from(message.key);
      const { value } = sizeAlone(key, message.value) > limit ? await onOversized(message) : message;
      const partition = this.#place(key);
      let builder = this.#filling[partition]!;
      if (this.#bytes > MAX_REQUEST_BYTES || (builder.records > 0 && !builder.hasRoom(key, value, full))) {
        await this.#flush();
        builder = this.#filling[partition]!;
      }
      const before = builder.bytes;
      const headers = builder.records === 0 ? this.#headersOf(key, value) : undefined;
      builder.append(key, value, headers);
      this.#bytes += builder.bytes - before;
      this.#rows += 1;
    }
  }

  /** Sends what is left; resolves when all rows are acknowledged. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#inFlight;
  }

  /** Resolves when nothing is on its way any more, whatever became of it. */
  async settled(): Promise<void> {
    await this.#inFlight.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    await this.#inFlight;
    const batches: PartitionBatch[] = this.#filling.flatMap((batch, partition) =>
      batch.records > 0 ? [{ partition, batch }] : [],
    );
    if (batches.length === 0) return;
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    const rows = this.#rows;
    this.#bytes = 0;
    const sent = this.options.trace.step('produce', () => this.producer.send(batches, this.options.signal));
    this.#inFlight = sent.then(() => {
      for (const { batch } of batches) batch.clear();
      this.#sentRows = rows;
      this.options.onProgress(this.#sentRows);
    });
    this.#inFlight.catch(() => undefined); // awaited by the next flush
  }

  /** None where the row would be too large with them: what becomes of a row does not depend on who is watching. */
  #headersOf(key: Buffer | null, value: Buffer): Buffer | undefined {
    const headers = this.#headers;
    return headers === undefined || sizeAlone(key, value, headers) > this.options.limit ? undefined : headers;
  }

  #place(key: Buffer | null): number {
    const partitions = this.#filling.length;
    // Any partition does for a row without key; turns keep them even.
    return key === null ? this.#keyless++ % partitions : partitionOf(key, partitions);
  }
}
