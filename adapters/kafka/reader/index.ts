/** Reading ranges of offsets without a consumer group, and waiting for new ones. */
export { fetch } from './fetch-request';
export { waitForMessages } from './message-wait';
export { readRange } from './range-reader';
