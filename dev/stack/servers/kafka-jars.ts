import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { cached, cacheRoot } from '../cache';
import { runStep } from '../system/run-step';
import { versions } from '../versions';

/** Where the recipe lies: pom.xml and the broker's log settings. */
export const kafkaDirectory = join(dirname(__dirname), 'kafka');

function cacheName(): string {
  const recipe = createHash('sha256')
    .update(readFileSync(join(kafkaDirectory, 'pom.xml')))
    .digest('hex');
  return `kafka-${versions.kafka}-${recipe.slice(0, 8)}`;
}

export function jarsArePresent(): boolean {
  return existsSync(join(cacheRoot(), cacheName()));
}

/** The directory of Kafka's jars, fetched by Maven once (54 MB). */
export function installJars(logFile: string, onProgress: (line: string) => void): Promise<string> {
  const title = `fetching Kafka ${versions.kafka}, once`;
  return cached({
    name: cacheName(),
    onProgress,
    async make(directory) {
      onProgress(title);
      await runStep({
        title,
        command: 'mvn',
        args: [
          ...[
            '--batch-mode',
            '--no-transfer-progress',
            '--strict-checksums',
            '--file',
            join(kafkaDirectory, 'pom.xml'),
          ],
          ...['dependency:copy-dependencies', `-DoutputDirectory=${directory}`, ...mavenHome()],
        ],
        cwd: directory,
        logFile,
        onProgress,
      });
    },
  });
}

/** Maven asks the list of accounts where its home is; a container's user may have none there, or a closed one, but HOME. */
function mavenHome(): string[] {
  try {
    accessSync(userInfo().homedir, constants.W_OK);
    return [];
  } catch {
    const directory = join(homedir(), '.m2');
    const settings = join(directory, 'settings.xml');
    return [
      `-Dmaven.repo.local=${join(directory, 'repository')}`,
      ...(existsSync(settings) ? ['--settings', settings] : []),
    ];
  }
}
