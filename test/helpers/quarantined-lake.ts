import { join } from 'node:path';
import { createOrdersLake } from '../../adapters/lake/writing';
import type { QuarantinedRow } from '../../ports';
import { batch, entryFor, openLake, quarantined, temporaryDirectory, write } from './lake';
import { SILENT } from './telemetry';

const ORDER = '"customer_name":"a","restaurant_name":"b","item":"c","order_status":"PLACED"';
const order = (id: number, amount: number, day = '2025-11-18') =>
  `{"order_id":${id},${ORDER},"amount":${amount}.00,"created_at":"${day}T10:00:00.123456Z"}`;

/** A lake of two batches with six rows in quarantine, and one row of a batch that is not committed. */
export async function quarantinedLake(): Promise<{ path: string; remove: () => Promise<void> }> {
  const directory = await temporaryDirectory();
  const path = join(directory.path, 'lake');
  const lake = createOrdersLake({ path, compression: 'snappy' }, SILENT);
  const land = async (sequence: number, rows: QuarantinedRow[]): Promise<void> => {
    const written = await write(lake, batch(sequence), { accepted: [], quarantined: rows });
    await lake.commit(entryFor(batch(sequence), written));
  };
  await openLake(lake);
  await land(1, [
    quarantined(order(1, 0), { offset: 3 }),
    quarantined(order(2, -1, '2025-11-19'), { offset: 4 }),
  ]);
  await land(2, [
    quarantined(order(3, 0), { offset: 12 }),
    quarantined('{"order_id":4,"amount":0.00,"created_at":"2025-11-18T11:00:00Z"}', { offset: 15, key: '4' }),
    quarantined(Buffer.from([0xff, 0x00, 0x7b]), { offset: 16, key: null }),
    quarantined('not \u001b[31m JSON', { offset: 17 }),
  ]);
  // Written and not committed: it may yet be written otherwise.
  await write(lake, batch(3), { accepted: [], quarantined: [quarantined(order(9, 0), { offset: 25 })] });
  return { path, remove: directory.remove };
}
