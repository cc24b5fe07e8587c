import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from '../stack/cache';
import { findExecutable } from '../stack/system/find-executable';
import { runStep } from '../stack/system/run-step';

export interface PrometheusTools {
  prometheus: string;
  promtool: string;
}

/** Prometheus on the PATH, else the distribution's package, unpacked into the cache without root. */
export async function findPrometheus(
  logFile: string,
  onProgress: (line: string) => void,
): Promise<PrometheusTools> {
  const [prometheus, promtool] = [findExecutable('prometheus'), findExecutable('promtool')];
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  if (findExecutable('apt-get') === undefined || findExecutable('dpkg') === undefined)
    throw new Error(
      'Prometheus is not on the PATH, and this is no Debian from which its package could be unpacked. Install it ' +
        '(https://prometheus.io/download), so that `prometheus` and `promtool` are on the PATH.',
    );
  const directory = await cached({
    name: `prometheus-package-${process.arch}`,
    onProgress,
    async make(target) {
      onProgress('unpacking the package prometheus of the distribution, once');
      const step = (command: string, args: string[]) =>
        runStep({ title: `${command} of prometheus`, command, args, cwd: target, env: {}, logFile, onProgress });
      await step('apt-get', ['download', 'prometheus']);
      await step('sh', ['-c', 'dpkg -x prometheus_*.deb . && rm prometheus_*.deb']);
    },
  });
  const found = { prometheus: join(directory, 'usr/bin/prometheus'), promtool: join(directory, 'usr/bin/promtool') };
  if (!existsSync(found.promtool)) throw new Error(`The package prometheus has no promtool: ${directory}`);
  return found;
}
