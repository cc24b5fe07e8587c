import {
  METADATA_ENCODING_KEY,
  defaultPayloadConverter,
  type Payload,
  type PayloadConverter,
} from '@temporalio/common';
import { decode } from '@temporalio/common/lib/encoding';
import { undecodable } from '../../domain/undecodable';

/**
 * Reads payloads as ever, but what cannot be read becomes a value that says so. The SDK's own throws, and a workflow whose
 * history holds such a payload would then fail each of its tasks indefinitely.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: (payload, context, hint) => {
    try {
      return defaultPayloadConverter.fromPayload(payload, context, hint);
    } catch (error) {
      return undecodable(`${encodingOf(payload)}: ${(error as Error).message}`) as never;
    }
  },
};

function encodingOf({ metadata }: Payload): string {
  const encoding = metadata?.[METADATA_ENCODING_KEY];
  return encoding == null ? 'it has no encoding' : `its encoding is ${decode(encoding)}`;
}
