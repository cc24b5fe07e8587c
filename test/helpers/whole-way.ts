import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import type { Settings } from '../../configs/schema';
import type { Offsets } from '../../domain/ranges';
import { SILENT } from './telemetry';

const { signal } = new AbortController();
const start = { createdAt: '2025-01-01 00:00:00', orderId: '0' };

/** Asks of Kafka all that both workflows ask of it, in their order, for one order; throws the first refusal. */
export async function wholeWay(settings: Settings['kafka']): Promise<void> {
  const topic = createOrdersTopic(topicOptions(settings, SILENT));
  try {
    await topic.ensure();
    const { sequence = 0, upper: lower = start } = (await topic.progress()) ?? {};
    const upper = { ...lower, orderId: String(sequence + 1) };
    await topic.publish({ sequence: sequence + 1, lower, upper }, oneOrder, {
      signal,
      onProgress: () => undefined,
      onOversized: () => Promise.reject(new Error('it is not large')),
    });
    await topic.renewProgress(sequence + 1, { signal });
    const { earliest, stable } = await topic.offsets();
    await topic.awaitMessages(earliest, { maxWaitMs: 1_000, signal });
    await readAll(settings, earliest);
    await topic.commitGroupOffsets(stable);
  } finally {
    await topic.close();
  }
}

async function* oneOrder() {
  yield await Promise.resolve([{ key: '1', value: Buffer.from('{}') }]);
}

/** Reads what landing would, from these offsets on; resolves with the number of messages. */
export async function readAll(settings: Settings['kafka'], from: Offsets): Promise<number> {
  const topic = createOrdersTopic(topicOptions(settings, SILENT));
  try {
    const { stable } = await topic.offsets();
    const ranges = Object.entries(stable).map(([p, to]) => ({
      partition: Number(p),
      from: from[p] ?? '0',
      to,
    }));
    let messages = 0;
    await topic.read(ranges, (chunk) => void (messages += chunk.length), { signal });
    return messages;
  } finally {
    await topic.close();
  }
}
