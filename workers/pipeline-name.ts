import { lookUpSearchAttributes, type Operator } from '../adapters/temporal/search-attributes';

/** So long a namespace that lacks the search attributes is not asked again. */
const ASK_AGAIN_MS = 60_000;

/**
 * The topic's name, once the namespace knows all search attributes; `undefined` before, and where it does not say: they
 * help to find workflows, and nothing is to wait for them.
 */
export function pipelineName(
  operator: Operator,
  namespace: string,
  topic: string,
): () => Promise<string | undefined> {
  let registered = false;
  let askedAt = -Infinity;
  return async () => {
    if (!registered && Date.now() - askedAt >= ASK_AGAIN_MS) {
      askedAt = Date.now();
      registered = await lookUpSearchAttributes(operator, namespace).then(
        ({ missing, ofOtherType }) => missing.length + ofOtherType.length === 0,
        () => false,
      );
    }
    return registered ? topic : undefined;
  };
}
