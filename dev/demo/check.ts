/** The check at the end, by what operators have: `orders verify` compares the rows, `orders audit` ledger and files. */
import { openStorage } from '../../adapters/lake/reading';
import { createOrdersSource } from '../../adapters/postgres';
import { COMMAND_TELEMETRY } from '../../cli/telemetry';
import type { Settings } from '../../configs/schema';
import { auditLake, type AuditResult } from '../../reconcile/audit';
import { createVerify } from '../../reconcile/open';
import type { VerifyResult } from '../../reconcile/verify';

export interface Checked {
  verified: VerifyResult;
  audited: AuditResult;
  equal: boolean;
}

/** The end of what the check compares: everything that is committed now. Orders of others, later, are not part of it. */
export async function boundOf(settings: Settings): Promise<string | undefined> {
  const source = createOrdersSource(settings, COMMAND_TELEMETRY);
  try {
    return (await source.horizon()).before;
  } finally {
    await source.close();
  }
}

/** Before `to` an order that is under way counts as missing. Throws where nothing can be compared yet. */
export async function check(settings: Settings, to: string | undefined): Promise<Checked> {
  const verified = await createVerify(settings, COMMAND_TELEMETRY)({ to });
  const audited = await auditLake(openStorage(settings.datalake));
  return { verified, audited, equal: verified.equal && audited.clean };
}
