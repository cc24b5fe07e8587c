import type { ConnectionLike } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';
import { NonRetryableError } from '../../domain/errors';
import {
  SEARCH_ATTRIBUTE_NAMES,
  SEARCH_ATTRIBUTES,
  type SearchAttributeName,
} from '../../domain/search-attributes';

/** Of a client's or a worker's connection. */
export type Operator = Pick<Required<ConnectionLike>, 'operatorService'>;

const typeOf = (name: SearchAttributeName) => encodeSearchAttributeIndexedValueType(SEARCH_ATTRIBUTES[name])!;

/** Those of our search attributes that a namespace does not know, and those that it knows as something else. */
export async function lookUpSearchAttributes(
  { operatorService }: Operator,
  namespace: string,
): Promise<{ missing: SearchAttributeName[]; ofOtherType: SearchAttributeName[] }> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTE_NAMES.filter((name) => customAttributes[name] === undefined);
  return {
    missing,
    ofOtherType: SEARCH_ATTRIBUTE_NAMES.filter(
      (name) => !missing.includes(name) && customAttributes[name] !== typeOf(name),
    ),
  };
}

/** Registers what is missing and returns it. NonRetryableError InvalidSettings where a name is taken by another type. */
export async function registerSearchAttributes(
  operator: Operator,
  namespace: string,
): Promise<SearchAttributeName[]> {
  const { missing, ofOtherType } = await lookUpSearchAttributes(operator, namespace);
  if (ofOtherType.length > 0)
    throw new NonRetryableError('InvalidSettings', wrongTypes(ofOtherType, namespace));
  if (missing.length > 0) {
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, typeOf(name)]));
    await operator.operatorService.addSearchAttributes({ namespace, searchAttributes });
  }
  return missing;
}

export function wrongTypes(names: readonly SearchAttributeName[], namespace: string): string {
  const wanted = names.map((name) => `${name} must be ${SEARCH_ATTRIBUTES[name]}`).join(', ');
  return (
    `Namespace ${namespace} knows search attributes of other types: ${wanted}. Remove them there (temporal operator ` +
    `search-attribute remove), or use another namespace.`
  );
}
