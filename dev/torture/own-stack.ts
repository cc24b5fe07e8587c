import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as stack from '../stack';
import type { ServerName, StackAddresses } from '../stack';
import { endWithUs } from '../../test/helpers/end-with-us';

/** Servers of one's own, to be killed. They end with this process, however it ends. */
export interface OwnStack {
  addresses: StackAddresses;
  /** SIGKILL; the data stays. */
  kill(server: ServerName): Promise<void>;
  /** Starts what does not run, and returns when all answer. */
  up(): Promise<StackAddresses>;
  destroy(): Promise<void>;
  /** Where a server's log and data are. */
  home: string;
}

/** @param wanted other servers, or other settings of theirs, than the usual ones; `home` may have been prepared. */
export async function ownStack(wanted: stack.StackOptions = {}): Promise<OwnStack> {
  const home = wanted.home ?? mkdtempSync(join(tmpdir(), 'orders-stream-torture-'));
  endWithUs({ homes: [home] });
  const options: stack.StackOptions = {
    // Often through continue-as-new, but not with every batch.
    temporalDynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 200 },
    ...wanted,
    home,
    useEnvironment: false,
  };
  const up = () => stack.up(options);
  return {
    home,
    addresses: await up(),
    kill: (server) => stack.kill(server, options),
    up,
    destroy: () => stack.destroy(options),
  };
}
