import { randomBytes } from 'node:crypto';
import type { Storage } from '../../../../ports';
import { lakeNotWritable, notWritable } from './errors';

/** At once for one name. Stores that race were caught by twenty in four rounds of five; eight in three rounds cost 0.1 s. */
const RACERS = 8;
const ROUNDS = 3;

const CHOOSE =
  'choose a store that keeps an object when a second one comes with If-None-Match: *, also when several come at once, such as AWS S3';

/**
 * Does once what landing will do: write, read, take a name that is taken, several at once for one name, remove.
 * NonRetryableError LakeNotWritable says which place, what is wrong and what to do.
 */
export async function probeStorage(storage: Storage, { rounds = ROUNDS } = {}): Promise<void> {
  // Names of this probe alone: another one may be at work. Readers skip them.
  const names = Array.from({ length: 1 + rounds }, () => `_probe_${randomBytes(8).toString('hex')}`);
  const [own = '', ...raced] = names;
  try {
    try {
      await probeTaken(storage, own);
      for (const name of raced) await probeRace(storage, name);
    } finally {
      for (const name of names) await storage.remove(name);
    }
  } catch (error) {
    throw notWritable(storage.location, error);
  }
}

async function probeTaken(storage: Storage, name: string): Promise<void> {
  const [first, second] = [Buffer.from('first'), Buffer.from('second')];
  await storage.putIfAbsent(name, first);
  const created = await storage.putIfAbsent(name, second);
  const found = await storage.get(name);
  if (created || found?.equals(first) !== true)
    throw lakeNotWritable(
      storage.location,
      'its store ignores If-None-Match, so two landings could take the same place in the ledger',
      CHOOSE,
    );
}

async function probeRace(storage: Storage, name: string): Promise<void> {
  const texts = Array.from({ length: RACERS }, (_, n) => Buffer.from(`racer ${n}`));
  // All are waited for, so that none writes after the name was removed.
  const outcomes = await Promise.allSettled(texts.map((text) => storage.putIfAbsent(name, text)));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const winners = texts.filter((_, n) => (outcomes[n] as PromiseFulfilledResult<boolean>).value);
  const found = await storage.get(name);
  const [winner] = winners;
  if (winners.length === 1 && winner !== undefined && found?.equals(winner) === true) return;
  throw lakeNotWritable(
    storage.location,
    `of ${RACERS} conditional writes at once ${winners.length} succeeded, and two landings could take the same place in the ledger`,
    CHOOSE,
  );
}
