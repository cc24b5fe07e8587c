import type { OrdersSource } from '../../ports';
import { createOrdersSource, serverOf, serverVersion } from '../../adapters/postgres';
import type { Settings } from '../../configs/schema';
import { LOWEST_PLACE } from '../../domain/gaps';
import { describeUnreachable } from '../../domain/unreachable';
import { Findings, type Finding } from './finding';
import { COMMAND_TELEMETRY } from '../telemetry';
import { ORDERS } from '../../domain/table/orders';

/** pg_partition_tree, of the look at prepared transactions, came with it. */
const OLDEST = 120_000;

/** A longer transaction is rare beside short inserts, and every order waits for it. */
const LONG_HOLD_MS = 30_000;

const SKEW_MS = 2_000;

const ANSWER_MS = 5_000;

export async function examinePostgres(settings: Settings): Promise<Finding[]> {
  const findings = new Findings('PostgreSQL');
  const where = serverOf(settings.postgres);
  const version = await findings.look(
    'server',
    'start it, or correct PGHOST, PGPORT and PGDATABASE, or the way there',
    () => serverVersion(settings.postgres, ANSWER_MS),
  );
  if (version === undefined) return findings.all;
  if (version.number < OLDEST)
    findings.broken('server', `${where}, version ${version.text}`, 'upgrade to PostgreSQL 12 or newer');
  else findings.fine('server', `${where}, version ${version.text}`);

  const source = createOrdersSource(settings, COMMAND_TELEMETRY);
  try {
    const again = 'try again; if it goes on, look into the server’s log';
    const checked = await findings.look('table and rights', again, () => source.check());
    if (checked === undefined) return findings.all;
    findings.fine('table and rights', `${settings.postgres.table}: columns, SELECT and pg_read_all_stats`);
    for (const warning of checked.warnings) findings.warning('table', ...splitAdvice(warning));
    if (checked.warnings.length === 0)
      findings.fine('indexes', `on (${ORDERS.position.name}, ${ORDERS.key.name}) and on ${ORDERS.key.name}`);

    const asked = Date.now();
    const horizon = await findings.look('open transactions', again, () => source.horizon());
    if (horizon === undefined) return findings.all;
    const answered = Date.now();
    const { heldBy } = horizon;
    const age = heldBy === undefined ? 0 : Date.parse(horizon.clock) - Date.parse(heldBy.since);
    if (heldBy !== undefined && (age >= LONG_HOLD_MS || horizon.before === undefined)) {
      findings.warning(
        'open transactions',
        `capture is blocked by ${heldBy.kind} since ${heldBy.since} (${Math.round(age / 1000)} s): ${heldBy.who}`,
        `run in PostgreSQL: ${heldBy.mend}` +
          (heldBy.kind === 'open transaction'
            ? ' or name its application in cdc.ignore_application_names if it never inserts orders'
            : ''),
      );
    } else findings.fine('open transactions', `none that is older than ${LONG_HOLD_MS / 1000} s`);

    await examineRows(findings, source, horizon.clock);

    const clock = Date.parse(horizon.clock);
    const skew = Math.max(asked - clock, clock - answered, 0);
    const ahead = clock > answered ? 'ahead of' : 'behind';
    if (skew > SKEW_MS)
      findings.warning(
        'clock',
        `${Math.round(skew / 1000)} s ${ahead} this machine’s`,
        'synchronise both (NTP): lags are shown wrong, orders are not affected',
      );
    else findings.fine('clock', `within ${SKEW_MS / 1000} s of this machine’s`);
  } finally {
    // Not waited for: a look that was given up still has its session.
    void source.close().catch(() => undefined);
  }
  return findings.all;
}

/** Those that no capture reaches, wherever it is; what it was told to pass over only its status knows. */
async function examineRows(findings: Findings, source: OrdersSource, clock: string): Promise<void> {
  const about = 'rows out of reach';
  const look = { baselines: [], upTo: LOWEST_PLACE, gaps: [], clock, idAgeMs: 0 };
  try {
    const { unreachable } = await source.detectLateRows(look);
    for (const one of unreachable) {
      const { found, toDo } = describeUnreachable(one);
      findings.warning(about, found, toDo);
    }
    if (unreachable.length === 0) findings.fine(about, 'none');
  } catch (error) {
    const found = `could not be counted: ${(error as Error).message}`;
    findings.warning(about, found, 'create the indexes named above; npm run orders -- verify takes its time');
  }
}

/** The adapter's warnings end with the remedy, after the first sentence. */
function splitAdvice(warning: string): [found: string, toDo: string] {
  const end = warning.indexOf('. ');
  return end === -1 ? [warning, 'see the message'] : [warning.slice(0, end), warning.slice(end + 2)];
}
