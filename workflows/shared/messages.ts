import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { MaintainStatus } from '../../domain/maintenance';
import type { MergeAnswer, MergeRequest } from '../../domain/merge';
import type { Replayed } from '../../domain/replay';
import type { ReplayRequest, RequestName } from '../../domain/requests';
import type { CaptureStatus, LandStatus, ReplayStatus } from '../../domain/status';

interface StatusOf {
  captureOrders: CaptureStatus;
  landOrders: LandStatus;
  replayBatches: ReplayStatus;
  maintainLake: MaintainStatus;
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
 * - `compact {dates?, reason?}`: `maintainLake` merges what there is now, in these dates or in all.
 * - either reset with `{undo: true, reason?}`: back to the place before the last one.
 */
type Asked = Exclude<RequestName, 'replayBatch' | 'mergeFiles'>;

export const requestSignal = (name: Asked) => defineSignal<unknown[]>(name);

export const requestUpdate = (name: Asked) => defineUpdate<object, unknown[]>(name);

/** From `replayBatches` to `landOrders`. */
export const replayBatchSignal = defineSignal<[Omit<ReplayRequest, 'kind'>]>('replayBatch');

/** Its answer. */
export const replayedSignal = defineSignal<[Replayed]>('replayed');

/** From `maintainLake` to `landOrders`. */
export const mergeFilesSignal = defineSignal<[Omit<MergeRequest, 'kind'>]>('mergeFiles');

/** Its answer. */
export const mergedSignal = defineSignal<[MergeAnswer]>('merged');
