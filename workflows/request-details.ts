import type { Pause, Refusal, Reset } from '../model/requests';

/** What operators did last, for the workflow's page in the Web UI. */
export function requestDetails(status: {
  paused: Pause | null;
  resets: Reset<unknown>[];
  refusals: Refusal[];
}): string[] {
  const lines: string[] = [];
  if (status.paused !== null)
    lines.push(`**paused** since ${status.paused.since}${because(status.paused.reason)}`);
  const reset = status.resets.at(-1);
  if (reset !== undefined) {
    const place = (value: unknown) => `\`${JSON.stringify(value)}\``;
    lines.push(
      `reset at ${reset.at} from ${place(reset.from)} to ${place(reset.to)}${because(reset.reason)}`,
    );
  }
  const refusal = status.refusals.at(-1);
  if (refusal !== undefined)
    lines.push(`signal ${refusal.signal} refused at ${refusal.at}: ${refusal.problem}`);
  return lines;
}

function because(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}
