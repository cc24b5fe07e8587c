import { z } from 'zod';
import type { Progress } from '../../../ports';
import { PUBLISH_AGAIN } from '../../../domain/data-loss';
import { NonRetryableError } from '../../../domain/errors';
import type { LateRows } from '../../../domain/missed';
import type { Window } from '../../../domain/ranges';
import { formatWatermark, parseTimestamp } from '../../../domain/watermark';
import type { Connection } from '../transport';
import { fetchStableOffset } from './offset-fetch-request';

/**
 * The group whose offset of partition 0 carries the progress record. One group serves every topic; the record
 * is the offset's metadata and its sequence is the offset.
 */
export const PROGRESS_GROUP = 'orders-capture-progress';
export const PROGRESS_PARTITION = 0;

// Another program may have written it: what is wrong must be told here, and not fail whatever calculates with it.
const id = z
  .string()
  .refine((text) => /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text));
const moment = z.string().refine((text) => parseTimestamp(text) !== undefined);
const watermark = z.object({ createdAt: moment, orderId: id });
const late = z.looseObject({
  watch: z.looseObject({ baselines: z.array(z.looseObject({ orderId: id, watermark })) }).nullable(),
  missed: z.looseObject({ backdated: z.number(), examples: z.array(z.string()), from: moment.nullable() }),
  gaps: z.array(z.looseObject({ after: watermark, upTo: watermark, detail: z.string() })),
});
const record = z.object({
  sequence: z.int().positive(),
  lower: watermark,
  upper: watermark,
  rows: z.int().min(0),
  topicId: z.string().optional(),
  sourceId: z.string().optional(),
  firstRunId: z.string().optional(),
  // Written and read by capture alone.
  late: z.custom<LateRows>((value) => late.safeParse(value).success).optional(),
});

/** The brokers allow 4096 characters (offset.metadata.max.bytes). */
const MOST_CHARACTERS = 4_000;

/** About 1,000 characters. Earlier versions pass over what they do not know. */
export function encodeProgress({ late, ...progress }: Progress): string {
  const { sequence, lower, upper, rows, topicId, sourceId, firstRunId } = progress;
  const known = { sequence, lower, upper, rows, topicId, sourceId, firstRunId };
  const text = JSON.stringify({ ...known, late });
  return text.length <= MOST_CHARACTERS ? text : JSON.stringify(known);
}

/** The record, or `undefined` where none was written, or it has expired (offsets.retention.minutes of the brokers). */
export async function readProgress(
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<Progress | undefined> {
  const committed = await connection.coordinated('group', PROGRESS_GROUP, signal, (coordinator) =>
    fetchStableOffset(coordinator, {
      group: PROGRESS_GROUP,
      topic: connection.topic,
      partition: PROGRESS_PARTITION,
    }),
  );
  return committed === undefined ? undefined : decodeProgress(committed.metadata, connection.topic);
}

/** NonRetryableError CaptureConflict where it is none of ours. */
export function decodeProgress(metadata: string, topic: string): Progress {
  try {
    return record.parse(JSON.parse(metadata));
  } catch (error) {
    throw new NonRetryableError(
      'CaptureConflict',
      `the progress record of topic ${topic} in group ${PROGRESS_GROUP} is not one of ours: ` +
        `${metadata.slice(0, 300)}. Another program commits offsets of this group; ` +
        'stop it, delete the offset with kafka-consumer-groups, and start the capture from the right watermark',
      { cause: error },
    );
  }
}

const GONE =
  'the topic was recreated, or the record has expired (offsets.retention.minutes of the brokers). Publish again what ' +
  `had not landed; repeats are dropped: ${PUBLISH_AGAIN}`;

/**
 * Decides what a publish has to do, once older attempts are fenced: `true` where the window is published
 * already, `false` where it is the next. NonRetryableError CaptureConflict otherwise.
 */
export function isPublished(
  window: Window & { sequence: number },
  found: Progress | undefined,
  topic: string,
  afterReset = false,
): boolean {
  if (found?.sequence === window.sequence && describe(found) === describe(window)) return true;
  if ((found?.sequence ?? 0) === window.sequence - 1) return false;
  if (found === undefined) {
    if (afterReset) return false;
    throw new NonRetryableError(
      'CaptureConflict',
      `window ${describe(window)} of topic ${topic} is not the first, but Kafka holds no progress record in group ` +
        `${PROGRESS_GROUP}: ${GONE}`,
    );
  }
  throw new NonRetryableError(
    'CaptureConflict',
    `window ${describe(window)} cannot be published to topic ${topic}: the last published is ` +
      `${describe(found)}. A second capture runs on this pipeline, or this workflow was restored from ` +
      'an older state. Stop one of them; a new capture continues from the progress record',
  );
}

/** The failure of a renewal that finds another record than the one it is to renew. */
export function otherRecord(sequence: number, found: Progress | undefined, topic: string): NonRetryableError {
  return new NonRetryableError(
    'CaptureConflict',
    `the progress record of topic ${topic} in group ${PROGRESS_GROUP} should be that of window ${sequence}, but ` +
      (found === undefined
        ? `there is none: ${GONE}`
        : `is ${describe(found)}. A second capture runs on this pipeline: stop one of them; a new capture ` +
          'continues from the progress record'),
  );
}

/** The failure of a publish into another topic than the one that this capture has published to. */
export function anotherTopic(topic: string, known: string, found: string): NonRetryableError {
  return new NonRetryableError(
    'CaptureConflict',
    `topic ${topic} was deleted and recreated: its id was ${known} and is ${found}. What had not landed is gone. Publish it ` +
      `again; repeats are dropped: ${PUBLISH_AGAIN}`,
  );
}

function describe({ sequence, lower, upper }: Window & { sequence: number }): string {
  return `${sequence} (${formatWatermark(lower)}, ${formatWatermark(upper)}]`;
}
