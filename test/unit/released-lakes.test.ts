/** Lakes that earlier releases wrote: their ledgers are read, folded and gone on with, and no file of theirs changes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createOrdersLake } from '../../adapters/lake/writing';
import { auditLake } from '../../reconcile/audit';
import { openLake, storageAt, temporaryDirectory } from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';

/** A release left some entries only. */
jest.mock('../../adapters/lake/ledger/sizes', () => ({
  SEGMENT_ENTRIES: 2,
  SINGLE_ENTRIES: 1,
  CHECKPOINT_EVERY: 1,
}));

const leftBy = (release: string) =>
  JSON.parse(readFileSync(join(__dirname, `../world/releases/${release}.json`), 'utf8')) as {
    files: Record<string, string>;
  };

test.each(['0.1.0', '0.2.0', '0.3.0'])('a lake of %s', async (release) => {
  const { path: root, remove } = await temporaryDirectory();
  const files = Object.entries(leftBy(release).files);
  for (const [name, content] of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), Buffer.from(content, 'base64'));
  }
  const ledger = files.map(([name]) => /^(.+)\/_ledger\/\d{10}\.json$/.exec(name)?.[1]).find(Boolean)!;
  const path = join(root, ledger);
  const lake = createOrdersLake({ path, compression: 'snappy' }, SILENT);
  const { last } = await openLake(lake);
  const before = await auditLake(storageAt(path));
  expect(before).toMatchObject({ clean: true, ledger: { entries: last!.sequence } });

  const { signal } = new AbortController();
  const kept = await lake.checkpoint({ signal });
  expect(kept).toMatchObject({ checkpoint: last!.sequence, blocked: [] });
  expect(kept.folded).toBeGreaterThan(0);
  expect(await auditLake(storageAt(path))).toEqual(before);
  expect((await openLake(createOrdersLake({ path, compression: 'snappy' }, SILENT))).last).toEqual(last);
  for (const [name, content] of files.filter(([one]) => one.endsWith('.parquet')))
    expect(readFileSync(join(root, name)).equals(Buffer.from(content, 'base64'))).toBe(true);
  await remove();
});
