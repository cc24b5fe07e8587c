/**
 * Kafka gives a topic an id when it is created, and never gives it again. Offsets mean something in one topic only: after a
 * topic was deleted and made anew under its name, the same offsets name other messages.
 */

/** Whether two ids are known and differ. Of an unknown one (brokers before 2.8, entries of older versions) nothing is said. */
export function isOtherTopic(known: string | undefined, found: string | undefined): found is string {
  return known !== undefined && found !== undefined && known !== found;
}

/** What a batch, or the state of a landing, says of its topic. */
export interface TopicKnown {
  topicId?: string;
  /** Number of the first batch of this topic; absent where none was landed from before. */
  topicSince?: number;
}

/** These fields alone, and only those that are known. */
export function topicOf({
  topicId,
  topicSince,
}: {
  [K in keyof TopicKnown]?: TopicKnown[K] | undefined;
}): TopicKnown {
  return {
    ...(topicId === undefined ? {} : { topicId }),
    ...(topicSince === undefined ? {} : { topicSince }),
  };
}
