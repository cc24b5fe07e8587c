import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Replayed } from '../../domain/replay';
import type { ReplayRequest, RequestName } from '../../domain/requests';
import type { CaptureStatus, LandStatus, ReplayStatus } from '../../domain/status';

interface StatusOf {
  captureOrders: CaptureStatus;
  landOrders: LandStatus;
  replayBatches: ReplayStatus;
}

/** The query `status`, which all workflows answer, each with its own JSON. */
export const statusQuery = <W extends keyof StatusOf>(_workflow: W) => defineQuery<StatusOf[W]>('status');

/**
 * Signals and updates share their names and payloads. A signal cannot answer: what is wrong with it shows in `status`. An
 * update answers with what was done, or with why it was refused. A payload is whatever somebody typed, so it is `unknown`
 * until domain/requests.ts has read it.
 *
 * - `pause {reason?}`: nothing new is begun until `resume`; what is in flight is finished. Both workflows.
 * - `resume`: no payload. Both workflows.
 * - `resetWatermark {createdAt, orderId?, reason?}`: capture goes on with the rows after this place.
 * - `resetOffsets {offsets: {"0": "42"} | "earliest", reason?}`: landing goes on with these offsets.
 * - either reset with `{undo: true, reason?}`: back to the place before the last one.
 */
export const requestSignal = (name: Exclude<RequestName, 'replayBatch'>) => defineSignal<unknown[]>(name);

export const requestUpdate = (name: Exclude<RequestName, 'replayBatch'>) =>
  defineUpdate<object, unknown[]>(name);

/** From `replayBatches` to `landOrders`. */
export const replayBatchSignal = defineSignal<[Omit<ReplayRequest, 'kind'>]>('replayBatch');

/** Its answer. */
export const replayedSignal = defineSignal<[Replayed]>('replayed');
