import { publishAgainFrom } from '../../domain/data-loss';
import { replayCommand } from '../../domain/damaged';
import { NonRetryableError } from '../../domain/errors';
import type { BatchManifest, LakeFile, LedgerEntry, OrdersLake } from '../../ports';

type Left = Pick<BatchManifest, 'files' | 'quarantineFiles' | 'counts'>;

/**
 * What stays of a batch whose messages Kafka no longer holds: its files that are whole. The others are given up; readers
 * and the ledger forget them. Reads only. NonRetryableError InvalidSettings where nothing of it is damaged.
 */
export async function withdrawal(
  lake: OrdersLake,
  batch: number,
): Promise<{ left: Left; withdrawn: NonNullable<LedgerEntry['withdrawn']> }> {
  const { whole, lost } = await lake.filesOf(batch);
  if (lost.length === 0)
    throw new NonRetryableError(
      'InvalidSettings',
      `Batch ${batch} is not withdrawn: all its files are there, as the ledger says.`,
    );
  const { files, quarantineFiles } = whole;
  const [landed, quarantined] = [rowsOf(files), rowsOf(quarantineFiles)];
  return {
    // By which rules the rows of the quarantine's other files failed is gone with them.
    left: {
      files,
      quarantineFiles,
      counts: { read: landed + quarantined, landed, duplicate: 0, quarantined, failures: {} },
    },
    withdrawn: { files: lost.map(({ path }) => path), rows: rowsOf(lost) },
  };
}

/** A loss in Kafka is mended in another way here than where messages have not landed yet. Returns the error to throw. */
export async function orGone(error: unknown, lake: OrdersLake, batch: number): Promise<unknown> {
  if (!(error instanceof NonRetryableError) || error.type !== 'DataLoss') return error;
  const { lost } = await lake.filesOf(batch);
  const why = `Batch ${batch} cannot be landed again: Kafka no longer holds all its messages (${reasonOf(error)}).`;
  if (lost.length === 0)
    return new NonRetryableError('DataLoss', `${why} Its files are whole, so its rows stay as they are.`, {
      cause: error,
    });
  const from = lost.reduce<string | undefined>(
    (least, { first }) =>
      first !== undefined && (least === undefined || first.createdAt < least) ? first.createdAt : least,
    undefined,
  );
  return new NonRetryableError(
    'DataLoss',
    `${why} Of its files ${lost.map(({ path }) => path).join(', ')} ${lost.length === 1 ? 'is' : 'are'} damaged or missing, with ` +
      `${rowsOf(lost)} rows. Put back a copy, if you have one; npm run orders -- audit says whether it is whole. Else publish the ` +
      `orders again, which land in another batch: ${publishAgainFrom(from)} and, once they have landed, give the damaged files up: ` +
      replayCommand([batch], ' --withdraw'),
    { cause: error },
  );
}

function rowsOf(files: readonly Pick<LakeFile, 'rows'>[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}

/** Its first sentence: the rest is about messages that have not landed. */
function reasonOf({ message }: Error): string {
  return message.split('. ')[0] ?? message;
}
