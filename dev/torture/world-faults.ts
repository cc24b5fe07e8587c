/** The share of changes that others make, by weight. */
import type { Fault, Make, Victim } from './fault';
import { fileBeside, fileDamaged } from './lake-faults';
import { looks, oddSignal, offsetsReset, pausedAWhile, rewound } from './operator-faults';
import type { Random } from './random';
import { indexDropped, oddTimes, roleSet, tableAltered, tableLocked, tableMaintained } from './source-faults';
import { foreignMessages, partitionsRaised, transactionLeftOpen } from './topic-faults';

/** How often each comes. What moves everything (all offsets read again) is rare, so that there is time for others. */
const WEIGHTS: [Make, number][] = [
  [tableAltered, 4],
  [indexDropped, 1],
  [roleSet, 4],
  [tableLocked, 2],
  [tableMaintained, 2],
  [oddTimes, 3],
  [partitionsRaised, 2],
  [transactionLeftOpen, 2],
  [foreignMessages, 3],
  [fileDamaged, 2],
  [fileBeside, 1],
  [oddSignal, 3],
  [pausedAWhile, 2],
  [rewound, 2],
  [offsetsReset, 1],
  [looks, 2],
];

/** Their names, for `--only`. */
export const WORLD_FAULTS = WEIGHTS.map(([{ name }]) => name);

/** @param only names of those to choose from; default all */
export function chooseWorldFault(victim: Victim, random: Random, only = WORLD_FAULTS): Fault {
  const choices = WEIGHTS.filter(([{ name }]) => only.includes(name)).flatMap(([make, weight]) =>
    Array<Make>(weight).fill(make),
  );
  return random.pick(choices as [Make, ...Make[]])(victim, random);
}
