/** Changes what Kafka's log holds, as a broken disk or a strange producer does. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { Harness } from '../faults/harness';
import { BATCH_HEADER_BYTES, CRC_START } from '../../adapters/kafka/records/record-batch';
import { serversHome } from '../helpers/pipeline';
import { sealed } from '../helpers/record-batches';

const CONTROL = 0x20;
/** Of no compression that there is. */
const CODEC = 6;

/** Gives the newest batch of each partition a codec that nobody knows, under a checksum that is right. */
export async function spoilNewestBatches({ pipeline }: Harness): Promise<void> {
  const { topic, num_partitions } = pipeline.settings.kafka;
  for (let partition = 0; partition < num_partitions; partition += 1) {
    const file = join(serversHome(), 'kafka/data', `${topic}-${partition}`, '00000000000000000000.log');
    const log = await fs.open(file, 'r+');
    try {
      const bytes = await log.readFile();
      let newest: number | undefined;
      for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length; at += 12 + bytes.readInt32BE(at + 8))
        if ((bytes.readInt16BE(at + CRC_START) & CONTROL) === 0) newest = at;
      if (newest === undefined) continue;
      const batch = bytes.subarray(newest, newest + 12 + bytes.readInt32BE(newest + 8));
      batch.writeInt16BE(batch.readInt16BE(CRC_START) | CODEC, CRC_START);
      await log.write(sealed(batch), 0, batch.length, newest);
    } finally {
      await log.close();
    }
  }
}
