import RequestQueue from 'kafkajs/src/network/requestQueue';

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;

/**
 * kafkajs sets a timer with a negative delay after each request that nothing holds back, to look for requests that wait;
 * Node 24 and later warn of it. Nothing waits then, so the timer is left out. Imported for this effect.
 */
RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
};
