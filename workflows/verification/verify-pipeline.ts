import { ApplicationFailure, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { CompareInput, VerifyActivities } from '../../activities/verification/compare-orders';
import { describeVerification } from '../../domain/describe-verification';
import type { VerifyResult } from '../../domain/verification';
import { readCompareInput } from '../../domain/inputs';
import { asMarkdown } from '../shared/details';
import { checkedInput } from '../shared/input';
import { workPolicy } from '../shared/policies';

/** Reading all of a large pipeline takes hours; heartbeats tell a lost worker all the same. */
const { compareOrders } = proxyActivities<VerifyActivities>({ ...workPolicy, startToCloseTimeout: '12 h' });

/**
 * Compares source, topic and lake once; what a schedule runs. Input is optional.
 *
 * Completes with what was compared. Fails with the type VerificationFailed where something differs, the comparison in the
 * failure's details, and with NotComparable where nothing can be said.
 */
export async function verifyPipeline(...args: [CompareInput?, ...unknown[]]): Promise<VerifyResult> {
  const input = checkedInput('verifyPipeline', args, readCompareInput);
  setCurrentDetails('comparing: the activity’s heartbeat says how far it is');
  const compared = await compareOrders.executeWithOptions({ summary: 'source = topic = lake + quarantine' }, [
    input,
  ]);
  if ('notComparable' in compared) {
    setCurrentDetails(asMarkdown({ trouble: [compared.notComparable], facts: [] }));
    throw ApplicationFailure.nonRetryable(compared.notComparable, 'NotComparable');
  }
  const { result } = compared;
  const described = describeVerification(result);
  setCurrentDetails(asMarkdown(described));
  if (result.equal) return result;
  throw ApplicationFailure.create({
    message: described.trouble.join('; '),
    type: 'VerificationFailed',
    nonRetryable: true,
    details: [result],
  });
}
