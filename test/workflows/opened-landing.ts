import type { OpenLandingResult } from '../../activities/landing/open-landing';
import type { Offsets } from '../../domain/ranges';

/** What the first opening of a lake answers, with nothing landed yet. */
export const openedAt = (next: Offsets): OpenLandingResult => ({
  epoch: 1,
  sequence: 0,
  next,
  reached: next,
  highWater: {},
  unlanded: [],
  startedFrom: 'earliest offsets',
});
