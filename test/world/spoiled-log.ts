/** Changes what Kafka's log holds, as a broken disk or a strange producer does. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { Harness } from '../faults/harness';
import { crc32c } from '../../adapters/kafka/records/crc32c';
import { serversHome } from '../helpers/pipeline';

const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
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
      for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8))
        if ((bytes.readInt16BE(at + ATTRIBUTES_AT) & CONTROL) === 0) newest = at;
      if (newest === undefined) continue;
      const batch = bytes.subarray(newest, newest + 12 + bytes.readInt32BE(newest + 8));
      batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | CODEC, ATTRIBUTES_AT);
      batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, batch.length), CRC_AT);
      await log.write(batch, 0, batch.length, newest);
    } finally {
      await log.close();
    }
  }
}
