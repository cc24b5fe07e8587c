import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CaptureStatus, LandStatus } from '../model/status';

interface StatusOf {
  captureOrders: CaptureStatus;
  landOrders: LandStatus;
}

/** The query `status`, which both workflows answer, each with its own JSON. */
export const statusQuery = <W extends keyof StatusOf>(_workflow: W) => defineQuery<StatusOf[W]>('status');

// A signal's payload is whatever somebody typed, so it is `unknown` until model/requests.ts has read it.

/** `{reason?}`: nothing new is begun until `resume`; what is in work is finished. Both workflows. */
export const pauseSignal = defineSignal<[unknown]>('pause');

/** Takes no payload. Both workflows. */
export const resumeSignal = defineSignal<[unknown]>('resume');

/** `{createdAt, orderId?, reason?}`: capture goes on with the rows after this place. */
export const resetWatermarkSignal = defineSignal<[unknown]>('resetWatermark');

/** `{offsets: {"0": "42"} | "earliest", reason?}`: landing goes on with these offsets. */
export const resetOffsetsSignal = defineSignal<[unknown]>('resetOffsets');
