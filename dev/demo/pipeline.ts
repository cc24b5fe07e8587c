/** The two workflows, as the demo sees them from outside. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { startWorkflows } from '../../cli/start';
import { pipelineStatus, type PipelineStatus } from '../../cli/status';
import { WORKFLOWS } from '../../domain/names';

/** Counts since the demo began. */
export interface Flow {
  published: number;
  /** Messages read from the topic: landed, quarantined and duplicates together. */
  read: number;
  landed: number;
  quarantined: number;
  duplicates: number;
  /** What hinders the pipeline right now, one line each. */
  troubles: string[];
}

type Counts = Omit<Flow, 'troubles'>;

const NO_COUNTS: Counts = { published: 0, read: 0, landed: 0, quarantined: 0, duplicates: 0 };
export const NO_FLOW: Flow = { ...NO_COUNTS, troubles: [] };

/** The workflow is over; asking again cannot help. */
class WorkflowEnded extends Error {}

export class Pipeline {
  #before = NO_COUNTS;
  #last = NO_FLOW;

  constructor(private readonly client: Client) {}

  /** Starts what does not run; says whether both ran already. */
  async start(): Promise<{ ranAlready: boolean }> {
    const [capture, land] = await Promise.all([
      this.#isRunning(WORKFLOWS.captureOrders.id),
      this.#isRunning(WORKFLOWS.landOrders.id),
    ]);
    if (capture || land) {
      const found = await answering(this.client);
      // One that runs has counted before; one that starts now begins at 0.
      this.#before = countsOf({ capture: capture ? found.capture : null, land: land ? found.land : null });
    }
    await startWorkflows(this.client);
    return { ranAlready: capture && land };
  }

  /** Throws if a workflow has ended: that is for non-retryable errors, and its message says what to do. */
  async flow(): Promise<Flow> {
    try {
      for (const { id } of Object.values(WORKFLOWS)) {
        if (!(await this.#isRunning(id))) throw await this.#reasonOf(id);
      }
      this.#last = this.#since(await answering(this.client));
    } catch (error) {
      if (error instanceof WorkflowEnded) throw error;
      this.#last = { ...this.#last, troubles: [`Temporal does not answer: ${rootMessage(error as Error)}`] };
    }
    return this.#last;
  }

  #since(found: PipelineStatus): Flow {
    const now = countsOf(found);
    const { heldBy } = found.capture ?? {};
    return {
      published: now.published - this.#before.published,
      read: now.read - this.#before.read,
      landed: now.landed - this.#before.landed,
      quarantined: now.quarantined - this.#before.quarantined,
      duplicates: now.duplicates - this.#before.duplicates,
      troubles: [
        ...found.retrying.filter(isTrouble).map((line) => `retrying ${line}`),
        ...(heldBy ? [`capture waits for ${heldBy.kind} of ${heldBy.since}: ${heldBy.who}`] : []),
      ],
    };
  }

  async #isRunning(id: string): Promise<boolean> {
    try {
      return (await this.client.workflow.getHandle(id).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  async #reasonOf(id: string): Promise<Error> {
    try {
      await this.client.workflow.getHandle(id).result();
      return new WorkflowEnded(`The workflow ${id} was ended while the demo ran.`);
    } catch (error) {
      return new WorkflowEnded(`The workflow ${id} ended: ${rootMessage(error as Error)}`, { cause: error });
    }
  }
}

/** What a worker handed back when it was stopped counts as a failed attempt until the next one ends. */
function isTrouble(line: string): boolean {
  return !/worker is shutting down/i.test(line);
}

function countsOf({ capture, land }: Pick<PipelineStatus, 'capture' | 'land'>): Counts {
  return {
    published: capture?.rows ?? 0,
    read: land?.rows.read ?? 0,
    landed: land?.rows.landed ?? 0,
    quarantined: land?.rows.quarantined ?? 0,
    duplicates: land?.rows.duplicate ?? 0,
  };
}

/** Temporal wraps the error of an activity; the innermost message is the one that helps. */
function rootMessage(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== ''
    ? rootMessage(error.cause)
    : error.message;
}

/** What both say; throws where one that runs gives no answer. */
async function answering(client: Client): Promise<PipelineStatus> {
  const found = await pipelineStatus(client);
  const [silent] = [...found.silent, ...found.troubles];
  if (silent !== undefined) throw new Error(silent);
  return found;
}
