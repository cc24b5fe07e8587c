/** The topic as a whole: that it exists, which one it is, its settings, where its logs begin and end. */
export { adminOf, createTopic, ensureTopic } from './ensure-topic';
export { type Bounds, logBounds, removedBelow } from './log-bounds';
export { requireTopic, topicId } from './topic-id';
export { checkSettings, VALIDATED, validateSettings, retentionOf, topicConfig } from './topic-settings';
