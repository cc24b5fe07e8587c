/** A lake in a directory of this machine, its quarantine beside it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakeStorage } from '../../../../ports';
import { LEDGER_DIRECTORY } from '../names';
import { namesIn } from './durable-file';
import { takeEpoch } from './epoch';
import { EpochWriter, LocalStorage } from './local-storage';
import { sequenceOfTemporary, stagingOf } from './names';
import { probeDirectory } from './probe';
import { roomOf, tryDirectory } from './try-out';
import { requireWithin } from './within';

/** @param path of the lake; its quarantine has `_quarantine` added to the name. Nothing is made before `probe()`. */
export function openLocalStorage(path: string): LakeStorage {
  // `orders/` and `orders` are one lake, so both have the quarantine `orders_quarantine`.
  const lake = path.replace(/(?<=.)\/+$/, '');
  const roots = { lake, quarantine: `${lake}_quarantine` };
  const outer = /^(.+)_quarantine$/.exec(lake)?.[1];
  return {
    lake: new LocalStorage(roots.lake),
    quarantine: new LocalStorage(roots.quarantine),
    outer: outer === undefined ? undefined : new LocalStorage(outer),
    async probe() {
      for (const root of [roots.lake, roots.quarantine]) await probeDirectory(root);
      const ledger = join(roots.lake, LEDGER_DIRECTORY);
      await requireWithin(roots.lake, ledger);
      await probeDirectory(ledger);
    },
    takeEpoch: (owner, options) => takeEpoch(roots, owner, options),
    writer: (kind, epoch) => new EpochWriter(roots, kind, epoch),
    tryOut: (kind) => tryDirectory(roots[kind]),
    room: () => roomOf(roots),
    async clearUnfinished(epoch, sequence) {
      for (const root of [roots.lake, roots.quarantine]) {
        const staging = stagingOf(root, epoch);
        await requireWithin(root, staging);
        for (const name of await namesIn(staging)) {
          if ((sequenceOfTemporary(name) ?? sequence + 1) <= sequence)
            await rm(join(staging, name), { force: true });
        }
      }
    },
  };
}
