/** What other programs and people do to the lake's files. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { liveFiles, orders, readLedger } from '../oracle';
import { insist, seconds, type Make } from './fault';

/** A file of one batch, whose replay makes it again. */
function committed(lakePath: string, share: number): { path: string; batch: number } | undefined {
  const files = liveFiles(readLedger(lakePath)).lake.flatMap(({ path, batches: [batch = 0, ...more] }) =>
    more.length === 0 ? { path: join(lakePath, path), batch } : [],
  );
  return files[Math.floor(share * files.length)];
}

const DAMAGES = {
  truncated: (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 100)),
  'with a flipped bit': (path: string) => {
    const bytes = readFileSync(path);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    writeFileSync(path, bytes);
  },
  deleted: (path: string) => rmSync(path),
  empty: (path: string) => writeFileSync(path, ''),
};

export const fileDamaged: Make = ({ harness, declared }, random) => {
  const how = random.pick(Object.keys(DAMAGES) as [keyof typeof DAMAGES, ...(keyof typeof DAMAGES)[]]);
  const share = random.next();
  const wait = random.between(0, 5);
  // Orders that are published again are looked up in the file, if it is a young one.
  const rewind = random.next() < 0.5;
  return {
    kind: 'lake file damaged and replayed',
    what: `${how}${rewind ? ', and a rewind' : ''}, mended after ${wait} s`,
    run: async (signal) => {
      const file = committed(harness.pipeline.lakePath, share);
      if (file === undefined) return;
      DAMAGES[how](file.path);
      if (rewind) {
        declared.repeats = true;
        const createdAt = new Date(Date.now() - 60_000).toISOString();
        const capture = harness.client.workflow.getHandle('orders-capture');
        await insist(
          () => capture.signal('resetWatermark', { createdAt, reason: 'a file is damaged' }),
          signal,
        );
      }
      await seconds(wait, signal);
      await insist(async () => {
        const { code, output } = await orders(harness, 'replay', '--batches', String(file.batch));
        if (code !== 0) throw new Error(`orders replay --batches ${file.batch}: ${output}`);
      }, signal);
    },
  };
};

const STRAYS: Record<string, string> = {
  'date=2025-11-18/_SUCCESS': '',
  'date=2025-11-18/.part-0000000001.parquet.crc': 'crc',
  _SUCCESS: '',
  'README.txt': 'do not touch',
  'date=2025-11-19/notes.txt': 'checked by hand',
  '_delta_log/00000000000000000000.json': '{}',
};

export const fileBeside: Make = ({ harness }, random) => {
  const name = random.pick(Object.keys(STRAYS) as [string, ...string[]]);
  const root = random.pick(['', '_quarantine'] as const);
  const lasts = random.between(1, 6);
  return {
    kind: 'stray file beside',
    what: `${name}${root === '' ? '' : ' in the quarantine'}, for ${lasts} s`,
    run: async (signal) => {
      const path = join(`${harness.pipeline.lakePath}${root}`, name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, STRAYS[name]!);
      try {
        await seconds(lasts, signal);
      } finally {
        rmSync(path); // `orders audit` rightly names it
      }
    },
  };
};
