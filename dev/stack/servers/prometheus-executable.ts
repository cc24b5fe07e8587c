import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cached } from '../cache';
import type { MissingTool } from '../missing-tools';
import { findExecutable } from '../system/find-executable';
import { runStep } from '../system/run-step';
import { versions } from '../versions';

export interface PrometheusTools {
  prometheus: string;
  promtool: string;
}

/** go.mod and go.sum: exactly what is built, down to the checksum of each module. */
const recipeDirectory = join(dirname(__dirname), 'prometheus');

/** Both on the PATH. */
function present(): PrometheusTools | undefined {
  const [prometheus, promtool] = [findExecutable('prometheus'), findExecutable('promtool')];
  return prometheus === undefined || promtool === undefined ? undefined : { prometheus, promtool };
}

const isDebian = () => ['apt-get', 'dpkg'].every((name) => findExecutable(name) !== undefined);

export function missingForPrometheus(): MissingTool[] {
  if (present() !== undefined || isDebian() || findExecutable('go') !== undefined) return [];
  const install =
    '`prometheus` and `promtool` on the PATH (https://prometheus.io/download); or apt-get, whose package is unpacked; or Go 1.25 to build them';
  return [{ name: 'prometheus', neededFor: '--observe', install }];
}

/** Prometheus on the PATH, else the distribution's package, unpacked into the cache without root, else built by Go. */
export async function installPrometheus(
  logFile: string,
  onProgress: (line: string) => void,
): Promise<PrometheusTools> {
  const found = present();
  if (found !== undefined) return found;
  const directory = await cached({
    name: `prometheus-${versions.prometheus}-${process.platform}-${process.arch}`,
    onProgress,
    async make(target) {
      const make = { target, logFile, onProgress };
      if (!isDebian() || !(await unpackPackage(make))) await build(make);
    },
  });
  return { prometheus: join(directory, 'prometheus'), promtool: join(directory, 'promtool') };
}

interface Make {
  /** Gets both programs. */
  target: string;
  logFile: string;
  onProgress: (line: string) => void;
}

/** Whether it worked: the package lists may be missing, or the mirror away. */
async function unpackPackage({ target, logFile, onProgress }: Make): Promise<boolean> {
  const script =
    'apt-get download prometheus && dpkg -x prometheus_*.deb . && mv usr/bin/prometheus usr/bin/promtool . && rm -r usr etc lib var prometheus_*.deb';
  const title = 'unpacking the package prometheus of the distribution, once';
  onProgress(title);
  try {
    await runStep({ title, command: 'sh', args: ['-c', script], cwd: target, logFile, onProgress });
    return existsSync(join(target, 'promtool'));
  } catch {
    onProgress(`the package cannot be had (log: ${logFile}), so Prometheus is built`);
    return false;
  }
}

async function build({ target, logFile, onProgress }: Make): Promise<void> {
  const title = 'building Prometheus, once';
  onProgress(`${title}: takes some minutes`);
  const module = 'github.com/prometheus/prometheus/cmd';
  await runStep({
    title,
    command: 'go',
    // Without the clients of all clouds: targets are named.
    args: [
      ...['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-tags=remove_all_sd'],
      ...['-o', `${target}/`, `${module}/prometheus`, `${module}/promtool`],
    ],
    cwd: recipeDirectory,
    env: { CGO_ENABLED: '0', GOWORK: 'off' },
    logFile,
    onProgress,
  });
}
