import { Client } from 'pg';
import { connectionOf } from '../stack/fresh-pipeline';
import type { StackAddresses } from '../stack';

/** The role of the workers' sessions: what is set for it reaches nobody else. */
export const CAPTURE_ROLE = { user: 'torture_capture', password: 'torture' } as const;

/** With its schema: a role's search_path is anybody's to set. */
export const CAPTURE_TABLE = 'public.2025em1100102_orders';

/** Once for a stack. It may read every table, which does not exist yet. */
export async function createCaptureRole(addresses: StackAddresses): Promise<void> {
  const client = new Client(connectionOf(addresses));
  await client.connect();
  try {
    await client.query(
      `CREATE ROLE ${CAPTURE_ROLE.user} LOGIN PASSWORD '${CAPTURE_ROLE.password}' IN ROLE pg_read_all_stats, pg_read_all_data`,
    );
  } finally {
    await client.end();
  }
}
