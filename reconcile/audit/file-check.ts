/** The files of one directory against the ledger: all that it lists are there, unchanged, and no others. */
import type { Fingerprint, LiveFile, Storage } from '../../ports';
import { hiddenName, onlyBatch, readParquetRows } from '../../adapters/lake/reading';
import { replayCommand } from '../../domain/damaged';
import type { Findings } from './findings';

/** Files read at once: enough to keep a disk busy; each takes a buffer of 64 KiB. */
const CONCURRENCY = 4;
/** Footers read by one statement. */
const FOOTERS = 256;

/**
 * Checks the listed files of one `date=…` directory; returns those that are as the ledger says.
 *
 * @param storage the lake's or the quarantine's
 * @param shown how to name a path for a person
 */
export async function checkListed(
  storage: Storage,
  listed: readonly LiveFile[],
  options: { findings: Findings; shown: (path: string) => string; onFile: () => void },
): Promise<LiveFile[]> {
  const found = new Array<Fingerprint | undefined>(listed.length);
  const waiting = listed.entries();
  const lane = async () => {
    for (const [index, file] of waiting) {
      found[index] = await storage.fingerprint(file.path);
      options.onFile();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const whole: LiveFile[] = [];
  const readable: LiveFile[] = [];
  for (const [index, file] of listed.entries()) {
    const state = await checkContent(storage, file, found[index], options);
    if (state === 'whole') whole.push(file);
    if (state === 'changed') readable.push(file);
  }
  const sound: LiveFile[] = [];
  for (let at = 0; at < whole.length; at += FOOTERS)
    sound.push(...(await checkRows(storage, whole.slice(at, at + FOOTERS), options)));
  for (let at = 0; at < readable.length; at += FOOTERS)
    await checkRows(storage, readable.slice(at, at + FOOTERS), options);
  return sound;
}

/** What there is: the file as it was written, another one whose rows can be counted, or none. */
async function checkContent(
  storage: Storage,
  file: LiveFile,
  found: Fingerprint | undefined,
  { findings, shown }: { findings: Findings; shown: (path: string) => string },
): Promise<'whole' | 'changed' | 'none'> {
  if (found?.bytes === file.bytes && found.sha256 === file.sha256) return 'whole';
  const [kind, what] =
    found === undefined
      ? (['file-missing', `is missing: its ${file.rows} rows are lost to readers`] as const)
      : found.bytes !== file.bytes
        ? ([
            'file-changed',
            `has ${found.bytes} bytes, the ledger says ${file.bytes}: it was changed`,
          ] as const)
        : (['file-changed', 'has other contents than the ledger says (SHA-256): it was changed'] as const);
  const where = shown(file.path);
  if (await awaitsRename(storage, file)) {
    findings.note(
      'in-flight',
      where,
      onlyBatch(file) === undefined
        ? `waits to be shown by the merge of entry ${file.entry}, whose file is beside it`
        : `waits to be replaced by the replay of entry ${file.entry}, which is beside it`,
    );
    return 'none';
  }
  // Not: put back a copy. Its orders may have landed once more since, and would be there twice.
  findings.problem(
    kind,
    where,
    `${what}. Entry ${file.entry} lists it; land its batch${onlyBatch(file) === undefined ? 'es' : ''} again: ` +
      replayCommand(file.batches),
  );
  return found === undefined ? 'none' : 'changed';
}

/** A replay commits first and renames then; one that was interrupted in between has its file beside the old one. */
async function awaitsRename(storage: Storage, { path, entry, sha256 }: LiveFile): Promise<boolean> {
  const [date, name] = path.split('/') as [string, string];
  return (await storage.fingerprint(`${date}/${hiddenName(name, entry)}`))?.sha256 === sha256;
}

async function checkRows(
  storage: Storage,
  files: readonly LiveFile[],
  { findings, shown }: { findings: Findings; shown: (path: string) => string },
): Promise<LiveFile[]> {
  const sound: LiveFile[] = [];
  const names = files.map(({ path }) => path);
  const rows = await readParquetRows(storage, names);
  for (const file of files) {
    const found = rows.get(file.path);
    if (found === file.rows) {
      sound.push(file);
      continue;
    }
    findings.problem(
      'file-rows',
      shown(file.path),
      found === undefined
        ? 'is not a Parquet file that DuckDB can read: readers of its directory fail'
        : `has ${found} rows, entry ${file.entry} says ${file.rows}`,
    );
  }
  return sound;
}

/** What stands in a directory beside its listed files, by name. */
export async function unlisted(
  storage: Storage,
  date: string,
  listed: ReadonlySet<string>,
): Promise<string[]> {
  if (!storage.renames) return [];
  return (await storage.list(date)).filter((name) => !listed.has(name));
}
