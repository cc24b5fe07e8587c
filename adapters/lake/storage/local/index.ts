/** A lake in a directory of this machine, its quarantine beside it. */
import { join } from 'node:path';
import type { LakeStorage } from '../../../../ports';
import { LEDGER_DIRECTORY } from '../names';
import { beginAttempt, closeAttempts } from './attempts';
import { takeEpoch } from './epoch';
import { EpochWriter, LocalStorage } from './local-storage';
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
    beginAttempt: (epoch, sequence) => beginAttempt(roots, epoch, sequence),
    closeAttempts: (epoch, sequence) => closeAttempts(roots, epoch, sequence),
  };
}
