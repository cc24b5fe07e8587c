/** Look-ups in a lake in a bucket. */
import { openStorage } from '../../../adapters/lake/reading';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { openLake } from '../../helpers/lake';
import { freshS3 } from '../../helpers/s3';
import { SILENT } from '../../helpers/telemetry';
import { lookupContract } from './lookup-contract';

lookupContract(async () => {
  const place = freshS3();
  const lake = createOrdersLake({ ...place, compression: 'snappy' }, SILENT);
  await openLake(lake);
  const { lake: storage } = openStorage(place);
  const clear = async (prefix = ''): Promise<void> => {
    for (const base of await storage.list(prefix)) {
      const name = prefix === '' ? base : `${prefix}/${base}`;
      if ((await storage.head(name))?.isFile === false) await clear(name);
      else await storage.remove(name);
    }
  };
  return { lake, clear };
});
