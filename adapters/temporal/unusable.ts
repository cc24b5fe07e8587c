import { isGrpcServiceError } from '@temporalio/client';

/** gRPC's number for it. */
const NOT_FOUND = 5;

/** One clear sentence for a Temporal that cannot be used: where, why, and what to do. */
export function temporalUnusable(at: { address: string; namespace: string }, error: unknown): string {
  const { address, namespace } = at;
  if (isGrpcServiceError(error) && Number(error.code) === NOT_FOUND)
    return (
      `Temporal at ${address} has no namespace ${namespace}. ` +
      `Create it (temporal operator namespace create -n ${namespace}), or set TEMPORAL_NAMESPACE.`
    );
  return (
    `Temporal at ${address} does not answer (${reason((error as Error).message)}). ` +
    'Start it (npm run stack -- up), or set TEMPORAL_ADDRESS.'
  );
}

/** The native client prints its errors as Rust nests them; what the system said stands in the innermost. */
function reason(message: string): string {
  return [...message.matchAll(/message: "([^"]+)"/g)].at(-1)?.[1] ?? message;
}
