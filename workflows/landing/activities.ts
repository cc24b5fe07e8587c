import { proxyActivities } from '@temporalio/workflow';
import type { LandActivities } from '../../activities/landing';
import type { MaintenanceActivities } from '../../activities/maintenance';
import { decidePolicy, workPolicy } from '../shared/policies';

/** Waits long by design: see LONGEST_CLAIM_MS in the activity. */
export const { claimMicroBatch } = proxyActivities<LandActivities>(decidePolicy);
export const { openLanding, resolveOffsets, landMicroBatch, commitMicroBatch, landAgain, selectBatches } =
  proxyActivities<LandActivities>(workPolicy);

export const { commitMerge } = proxyActivities<MaintenanceActivities>(workPolicy);
