import { distance } from 'fastest-levenshtein';

/** `; did you mean createdAt?`, or nothing where no name is near to what was written. */
export function didYouMean(written: string, names: readonly string[]): string {
  const [nearest] = names
    .map((name) => ({ name, away: distance(written.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, away }) => away <= Math.ceil(name.length / 3))
    .sort((a, b) => a.away - b.away);
  return nearest === undefined ? '' : `; did you mean ${nearest.name}?`;
}
