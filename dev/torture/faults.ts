/** The faults that a run chooses from. Each returns once it is over; none waits for the pipeline to recover. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from '../../domain/names';
import { serverNames, titles, type ServerName } from '../stack/types';
import { pidOf } from '../../test/faults/harness';
import { NETWORK_FAULTS, type NetworkFault } from './network';
import type { Fault, Victim } from './fault';
import type { Random } from './random';
import { chooseWorldFault } from './world-faults';

/** How often each comes: as a weight. */
const CHOICES = [
  'worker',
  'worker',
  'freeze',
  'group',
  'server',
  'server',
  'all',
  'network',
  'network',
  'network',
  ...Array<string>(10).fill('world'),
];

export function chooseFault(victim: Victim, random: Random): Fault {
  const { harness, stack } = victim;
  const queue = random.pick<Queue>(['capture', 'land']);
  const server = random.pick<ServerName>(serverNames);
  const choice = random.pick(CHOICES as [string, ...string[]]);
  if (choice === 'worker') return killWorker();
  if (choice === 'freeze') return freeze();
  if (choice === 'group') return killGroup();
  if (choice === 'server') return serversAway(`${titles[server]} killed`, [server], random.between(0, 15));
  if (choice === 'all') return serversAway('all servers killed', serverNames, random.between(0, 5));
  if (choice === 'world') return chooseWorldFault(victim, random);
  return network();

  function killWorker(): Fault {
    return {
      kind: `${queue} worker killed`,
      what: 'it is started again',
      run: () => {
        quietly(pidOf(harness.workers, queue), 'SIGKILL');
        return Promise.resolve();
      },
    };
  }

  function freeze(): Fault {
    const seconds = random.between(1, 20);
    return {
      kind: `${queue} worker frozen`,
      what: `for ${seconds} s`,
      run: async (signal) => {
        const pid = pidOf(harness.workers, queue);
        quietly(pid, 'SIGSTOP');
        try {
          await sleep(seconds * 1_000, undefined, { signal });
        } finally {
          quietly(pid, 'SIGCONT');
        }
      },
    };
  }

  function killGroup(): Fault {
    const seconds = random.between(0, 3);
    return {
      kind: 'all workers killed',
      what: `new ones after ${seconds} s`,
      run: async (signal) => {
        await harness.workers.kill();
        await sleep(seconds * 1_000, undefined, { signal });
        harness.workers = await harness.moreWorkers();
      },
    };
  }

  function serversAway(kind: string, servers: readonly ServerName[], seconds: number): Fault {
    return {
      kind,
      what: `up after ${seconds} s`,
      run: async (signal) => {
        for (const name of servers) await stack.kill(name);
        await sleep(seconds * 1_000, undefined, { signal });
        await stack.up();
      },
    };
  }

  function network(): Fault {
    const how = random.pick(Object.keys(NETWORK_FAULTS) as [NetworkFault, ...NetworkFault[]]);
    const seconds = random.between(1, 10);
    return {
      kind: `${titles[server]} network ${how}`,
      what: `for ${seconds} s`,
      run: (signal) => NETWORK_FAULTS[how](harness.proxies[server], seconds * 1_000, signal),
    };
  }
}

/** The process may have died of an earlier fault and not be back yet. */
function quietly(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
