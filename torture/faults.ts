/** The faults that a run chooses from. Each returns once it is over; none waits for the pipeline to recover. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from '../model/names';
import { serverNames, type ServerName } from '../stack';
import { pidOf, type Rig } from '../test/faults/rig';
import type { OwnStack } from './own-stack';
import type { Random } from './random';

export interface Fault {
  /** What the figures count it as. */
  kind: string;
  /** For the log. */
  what: string;
  run(): Promise<void>;
}

export function chooseFault(rig: Rig, stack: OwnStack, random: Random): Fault {
  const queue = random.pick<Queue>(['capture', 'land']);
  const choose = random.pick([
    killWorker,
    killWorker,
    freeze,
    killGroup,
    killServer,
    killServer,
    killAll,
    network,
  ]);
  return choose();

  function killWorker(): Fault {
    return fault(`worker ${queue}`, 'killed', () => toWorker('SIGKILL'));
  }

  function freeze(): Fault {
    const seconds = random.between(1, 20);
    return fault(`freeze ${queue}`, `for ${seconds} s`, async () => {
      const pid = pidOf(rig.workers, queue);
      quietly(pid, 'SIGSTOP');
      await sleep(seconds * 1_000);
      quietly(pid, 'SIGCONT');
    });
  }

  function killGroup(): Fault {
    const seconds = random.between(0, 3);
    return fault('all workers', `killed, new ones after ${seconds} s`, async () => {
      await rig.workers.kill();
      await sleep(seconds * 1_000);
      rig.workers = await rig.moreWorkers();
    });
  }

  function killServer(): Fault {
    const server = random.pick<ServerName>(['postgres', 'kafka', 'temporal']);
    return serversAway(server, [server], random.between(0, 15));
  }

  function killAll(): Fault {
    return serversAway('all servers', serverNames, random.between(0, 5));
  }

  function serversAway(kind: string, servers: readonly ServerName[], seconds: number): Fault {
    return fault(kind, `killed, up after ${seconds} s`, async () => {
      for (const server of servers) await stack.kill(server);
      await sleep(seconds * 1_000);
      await stack.up();
    });
  }

  function network(): Fault {
    const how = random.pick(['cut', 'refuse', 'swallow', 'slow']);
    const seconds = random.between(1, 10);
    return fault(`network ${how}`, `to Kafka for ${seconds} s`, async () => {
      const { kafka } = rig;
      if (how === 'cut') return kafka.cut();
      if (how === 'slow') kafka.delayMs = random.between(20, 300);
      else kafka.mode = how as 'refuse' | 'swallow';
      if (how === 'refuse') kafka.cut();
      await sleep(seconds * 1_000);
      kafka.mode = 'pass';
      kafka.delayMs = 0;
    });
  }

  function toWorker(name: NodeJS.Signals): Promise<void> {
    quietly(pidOf(rig.workers, queue), name);
    return Promise.resolve();
  }
}

function fault(kind: string, what: string, run: () => Promise<void>): Fault {
  return { kind, what, run };
}

/** The process may have died of an earlier fault and not be back yet. */
function quietly(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
