/**
 * Kafka gives a topic an id when it is created, and never gives it again. Offsets mean something in one topic only: after a
 * topic was deleted and recreated under its name, the same offsets name other messages.
 */

/** Whether two ids are known and differ. Of an unknown one (brokers before 2.8, entries of older versions) nothing is said. */
export function isOtherTopic(known: string | undefined, found: string | undefined): found is string {
  return known !== undefined && found !== undefined && known !== found;
}
