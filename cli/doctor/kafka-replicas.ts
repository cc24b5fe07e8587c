/** Whether the pipeline, and what it relies on, outlives a broker. */
import type { KafkaFacts, TopicFacts } from '../../adapters/kafka/admin';
import type { Settings } from '../../configs/schema';
import { number, type Findings } from './finding';

const BRING_BACK = 'bring the missing brokers back';

/** The copies of the topic's messages. */
export function examineReplicas(
  findings: Findings,
  { replicas, inSync }: TopicFacts,
  { brokers, topicConfig }: { brokers: number; topicConfig: KafkaFacts['topicConfig'] },
): void {
  const needed = number(topicConfig['min.insync.replicas']) ?? 1;
  const found = `${replicas} a partition, ${inSync} in sync, min.insync.replicas ${needed}`;
  if (inSync < Math.min(needed, replicas))
    findings.transient('replicas', found, `${BRING_BACK}: nothing can be published`);
  else if (inSync < replicas)
    findings.warning(
      'replicas',
      found,
      inSync === needed ? `${BRING_BACK}: one more away, and nothing can be published` : BRING_BACK,
    );
  else if (replicas > 1 && needed < 2)
    findings.warning(
      'replicas',
      found,
      'set the topic’s min.insync.replicas to 2: a commit then outlives a broker',
    );
  else if (replicas > 1 && needed >= replicas)
    findings.warning(
      'replicas',
      found,
      `one broker away, and nothing can be published: ${replicas > 2 ? `set min.insync.replicas to ${replicas - 1}` : 'reassign the topic to 3 replicas'}`,
    );
  else if (replicas === 1 && brokers > 1)
    findings.warning(
      'replicas',
      found,
      'reassign the topic to 3 replicas: one lost disk loses what has not landed',
    );
  else if (replicas === 1)
    findings.fine(
      'replicas',
      `${found} (a single broker: its disk holds the only copy of what has not landed)`,
    );
  else findings.fine('replicas', found);
  if (replicas > 1 && topicConfig['unclean.leader.election.enable'] === 'true')
    findings.warning(
      'unclean elections',
      'allowed',
      'set the topic’s unclean.leader.election.enable to false: a broker that lags behind may become leader, and orders are lost',
    );
}

/** The copies of Kafka's own topics: without their broker there are no transactions, and no progress record. */
export function examineInternal(findings: Findings, { brokers, internal }: KafkaFacts): void {
  for (const [name, { replicas, inSync }] of Object.entries(internal)) {
    const found = `${replicas} a partition, ${inSync} in sync`;
    if (inSync < replicas) findings.warning(name, found, BRING_BACK);
    else if (replicas === 1 && brokers.length > 1)
      findings.warning(
        name,
        found,
        'reassign it to 3 replicas: capture stops while its one broker is away, and loses its record with that disk',
      );
    else findings.fine(name, found);
  }
}

/** A name that stands for all brokers is fine, the address of one of several is not. */
export function examineBootstrap(
  findings: Findings,
  { brokers: named }: Settings['kafka'],
  { brokers }: KafkaFacts,
): void {
  const [only = ''] = named;
  if (named.length === 1 && brokers.length > 1 && brokers.includes(only))
    findings.warning(
      'kafka.brokers',
      `names one of ${brokers.length}`,
      'name more of them: while it is away, the others are not found',
    );
}
