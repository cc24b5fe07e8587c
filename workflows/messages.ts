import { defineQuery } from '@temporalio/workflow';
import type { CaptureStatus, LandStatus } from '../model/status';

interface StatusOf {
  captureOrders: CaptureStatus;
  landOrders: LandStatus;
}

/** The query `status`, which both workflows answer, each with its own JSON. */
export const statusQuery = <W extends keyof StatusOf>(_workflow: W) => defineQuery<StatusOf[W]>('status');
