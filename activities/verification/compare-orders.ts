import { Context } from '@temporalio/activity';
import { NotComparable, type Verify, type VerifyResult } from '../../domain/verification';

export interface CompareInput {
  /** created_at from this moment on, UTC; default the beginning. */
  from?: string;
  /** created_at before this moment; default what has landed. */
  to?: string;
}

/** Or why it cannot be said whether anything differs. */
export type CompareResult = { result: VerifyResult } | { notComparable: string };

/** The activity of `verifyPipeline`; served on `orders-land`, whose workers see the lake. */
export function createVerifyActivities({ verify }: { verify: Verify }) {
  return {
    /**
     * Compares source, topic and lake, however long it takes, beside capture and landing. Reads only, so it is idempotent
     * without a key. The result lists dates and ids of what differs, never rows.
     */
    async compareOrders({ from, to }: CompareInput): Promise<CompareResult> {
      const context = Context.current();
      try {
        const result = await verify({
          dates: 'different',
          signal: context.cancellationSignal,
          onProgress: (doing) => context.heartbeat({ doing }),
          from,
          to,
        });
        return { result };
      } catch (error) {
        if (error instanceof NotComparable) return { notComparable: error.message };
        throw error;
      }
    },
  };
}

export type VerifyActivities = ReturnType<typeof createVerifyActivities>;
