/** What `/metrics` says, by name: kind, help, and each series with its labels. */
export interface Family {
  kind: string;
  help: string;
  series: { name: string; labels: Record<string, string>; value: number }[];
}

/** Reads Prometheus's text format as far as it is used here; a line that it does not know fails. */
export function parseMetrics(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  const family = (name: string): Family => {
    const found = families.get(name) ?? { kind: '', help: '', series: [] };
    families.set(name, found);
    return found;
  };
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, about, name = '', words = ''] = comment;
      if (about === 'HELP') family(name).help = words;
      else family(name).kind = words;
      continue;
    }
    const sample = /^([a-z_:]\w*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (sample === null) throw new Error(`no line of Prometheus's text format: ${line}`);
    const [, name = '', labels = '', value = ''] = sample;
    const base = name.replace(/_(bucket|sum|count)$/, '');
    const owner = families.get(base)?.kind === 'histogram' ? base : name;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [
      key,
      text,
    ]);
    family(owner).series.push({
      name,
      labels: Object.fromEntries(pairs) as Record<string, string>,
      value: Number(value),
    });
  }
  return families;
}

/** The one value of a series; fails where there is none. */
export function valueOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const found = (families.get(name) ?? families.get(base))?.series.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  );
  if (found?.length !== 1)
    throw new Error(`${found?.length ?? 0} series of ${name} ${JSON.stringify(labels)}`);
  return found[0]!.value;
}
