/** Which files count after all entries of a ledger, one after the other: docs/lake.md has the rules. */
import type { Entry, RecordedFile } from './ledger';

interface CountingFile extends RecordedFile {
  /** Whose rows it holds: one, but in a merged file. */
  batches: number[];
}

interface LiveFiles {
  lake: CountingFile[];
  quarantine: CountingFile[];
  /** Merges that cannot be right, in words. */
  wrong: string[];
}

export function liveFiles(entries: Entry[]): LiveFiles {
  const parts = { lake: new Map<string, CountingFile>(), quarantine: new Map<string, CountingFile>() };
  const wrong: string[] = [];
  for (const { name, entry } of entries) {
    const { sequence, supersedes, merged, files, quarantineFiles } = entry;
    const added = { lake: files, quarantine: quarantineFiles ?? [] };
    for (const part of ['lake', 'quarantine'] as const) {
      const live = parts[part];
      const own = added[part];
      let batches = [supersedes ?? sequence];
      if (merged !== undefined) {
        if (own.length === 0) continue;
        const inputs = merged.inputs.flatMap((path) => live.get(path) ?? []);
        if (inputs.length < merged.inputs.length || new Set(merged.inputs).size < merged.inputs.length)
          wrong.push(`ledger: ${name} merges files that do not count, or one of them twice`);
        const [before, after] = [inputs, own].map((some) => some.reduce((sum, { rows }) => sum + rows, 0));
        if (before !== after) wrong.push(`ledger: ${name} makes ${after} rows of ${before}`);
        for (const path of merged.inputs) live.delete(path);
        batches = [...new Set(inputs.flatMap((file) => file.batches))].sort((a, b) => a - b);
      } else if (supersedes !== undefined) {
        // Rows of it that stand in a merged file stay there.
        for (const [path, file] of live)
          if (file.batches.length === 1 && file.batches[0] === supersedes) live.delete(path);
      }
      for (const file of own) live.set(file.path, { ...file, batches });
    }
  }
  return { lake: [...parts.lake.values()], quarantine: [...parts.quarantine.values()], wrong };
}
