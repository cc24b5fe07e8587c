/**
 * The parts of a table's name as the settings have it: `orders`, `sales.orders`, or quoted as in SQL: `"my.schema"."my ""table"`.
 * What is not quoted is taken as it stands, capitals too. `undefined` where it cannot be read.
 */
export function tableParts(text: string): [name: string] | [schema: string, name: string] | undefined {
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const part = /^"((?:[^"]|"")+)"(?=\.|$)|^[^".][^.]*(?=\.|$)/.exec(rest);
    if (part === null) return undefined;
    parts.push(part[1]?.replaceAll('""', '"') ?? part[0]);
    rest = rest.slice(part[0].length);
    if (rest === '') break;
    rest = rest.slice(1);
  }
  const [first, second] = parts;
  if (first === undefined || parts.length > 2) return undefined;
  return second === undefined ? [first] : [first, second];
}
