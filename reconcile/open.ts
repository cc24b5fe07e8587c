/** What reconciliation needs, made of the settings: for worker, commands and demo. Each call opens its own and closes it again. */
import { createOrdersTopic, topicOptions } from '../adapters/kafka';
import { openStorage } from '../adapters/lake/reading';
import { createOrdersSource, createSourceRows } from '../adapters/postgres';
import type { Settings } from '../configs/schema';
import type { Watermark } from '../domain/watermark';
import type { Telemetry } from '../ports';
import { countRewind, type Rewind } from './rewind';
import { verifyPipeline, type Verify } from './verify';

/** {@link verifyPipeline} for the pipeline of these settings. */
export function createVerify(settings: Settings, telemetry: Telemetry): Verify {
  return async (options) => {
    const source = createOrdersSource(settings, telemetry);
    const sourceRows = createSourceRows(settings, telemetry);
    const topic = createOrdersTopic(topicOptions(settings.kafka, telemetry));
    const lake = openStorage(settings.datalake);
    try {
      return await verifyPipeline({ source, sourceRows, topic, lake }, options);
    } finally {
      await Promise.allSettled([sourceRows.close(), source.close(), topic.close()]);
    }
  };
}

/** {@link countRewind} for the pipeline of these settings. */
export function createCountRewind(settings: Settings, telemetry: Telemetry) {
  return async (from: Watermark, to: Watermark): Promise<Rewind> => {
    const sourceRows = createSourceRows(settings, telemetry);
    try {
      return await countRewind({ sourceRows, lake: openStorage(settings.datalake) }, from, to);
    } finally {
      await sourceRows.close();
    }
  };
}
