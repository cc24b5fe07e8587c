/** As much of Kafka's wire protocol as a proxy needs: where a message ends, and which request it is or answers. */

export interface Frame {
  /** The length in front included. */
  bytes: Buffer;
  /** `undefined` where the protocol is not Kafka's. */
  apiKey: number | undefined;
}

/** Numbers of Kafka's requests. */
export const KAFKA = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const;

/** Cuts one direction of a connection into messages; `pending`, shared by both, tells which request an answer is for. */
export function kafkaFrames(
  side: 'request' | 'response',
  pending: Map<number, number>,
): (chunk: Buffer) => Frame[] {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: Frame[] = [];
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const bytes = rest.subarray(0, 4 + rest.readInt32BE(0));
      rest = rest.subarray(bytes.length);
      frames.push({ bytes, apiKey: side === 'request' ? noted(bytes) : answered(bytes) });
    }
    return frames;
  };

  function noted(bytes: Buffer): number {
    const apiKey = bytes.readInt16BE(4);
    pending.set(bytes.readInt32BE(8), apiKey);
    return apiKey;
  }

  function answered(bytes: Buffer): number | undefined {
    const correlationId = bytes.readInt32BE(4);
    const apiKey = pending.get(correlationId);
    pending.delete(correlationId);
    return apiKey;
  }
}

/**
 * Brokers tell clients where they are. The host's text is followed by the port in four bytes, in every version of
 * these answers, so another port fits without changing a length.
 */
export function rewriteAddress(
  { bytes, apiKey }: Frame,
  broker: { host: string; port: number },
  port: number,
): Buffer {
  if (apiKey !== KAFKA.metadata && apiKey !== KAFKA.findCoordinator) return bytes;
  const told = Buffer.alloc(broker.host.length + 4);
  told.write(broker.host, 'latin1');
  told.writeInt32BE(broker.port, broker.host.length);
  const rewritten = Buffer.from(bytes);
  for (let at = rewritten.indexOf(told); at >= 0; at = rewritten.indexOf(told, at + told.length)) {
    rewritten.writeInt32BE(port, at + broker.host.length);
  }
  return rewritten;
}
