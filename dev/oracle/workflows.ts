/** What Temporal says of the two workflows, read with its client alone. */
import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';

const IDS = ['orders-capture', 'orders-land'] as const;

export interface WorkflowsSeen {
  /** Rows that capture's status counts as not captured, with all kinds of reasons, and offsets of failed batches. */
  counted: number;
  /** Workflows that do not run, each with how it ended. */
  closed: { id: string; status: string; message: string }[];
}

/** As much of the status as counts. Whatever is absent counts nothing. */
interface Status {
  missed?: { backdated?: number; withoutCreatedAt?: number };
  unreachable?: { rows?: number }[];
  parked?: { ranges: { from: string; to: string }[] }[];
}

export async function observe(client: Client): Promise<WorkflowsSeen> {
  const closed: WorkflowsSeen['closed'] = [];
  let counted = 0;
  for (const id of IDS) {
    const handle = client.workflow.getHandle(id);
    try {
      const { status } = await handle.describe();
      if (status.name !== 'RUNNING')
        closed.push({ id, status: status.name, message: await failure(handle.result()) });
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      closed.push({ id, status: 'NOT STARTED', message: '' });
    }
    counted += countedBy(await ask(client, id));
  }
  return { counted, closed };
}

async function failure(result: Promise<unknown>): Promise<string> {
  const error: unknown = await result.catch((thrown: unknown) => thrown);
  if (!(error instanceof WorkflowFailedError)) return '';
  const { cause } = error;
  return (cause?.cause instanceof Error ? cause.cause.message : cause?.message) ?? '';
}

/** A workflow that nobody can ask, because its worker is away, counts nothing. */
async function ask(client: Client, id: string): Promise<Status> {
  try {
    return await client.withDeadline(Date.now() + 5_000, () =>
      client.workflow.getHandle(id).query<Status>('status'),
    );
  } catch {
    return {};
  }
}

function countedBy({ missed = {}, unreachable = [], parked = [] }: Status): number {
  const offsets = parked.flatMap(({ ranges }) =>
    ranges.map(({ from, to }) => Number(BigInt(to) - BigInt(from))),
  );
  return [
    missed.backdated ?? 0,
    missed.withoutCreatedAt ?? 0,
    ...unreachable.map(({ rows = 0 }) => rows),
    ...offsets,
  ].reduce((sum, one) => sum + one, 0);
}
