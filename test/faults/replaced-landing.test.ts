/**
 * A landing that outlives its workflow: frozen among its files while the workflow is ended and started again, as an operator
 * may do without knowing of the frozen process. It owns the lake no more, so none of its files may appear.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { expectExactlyOnce } from '../helpers/exactly-once';
import { freezeWhileWriting, publishOneMore } from './amid-files';
import { restartLanding, signal } from './harness';
import { sideBySide } from './side-by-side';

sideBySide([
  {
    'a landing that wakes up among its files after its workflow was replaced': async (harness) => {
      const { pipeline, workers } = harness;
      await freezeWhileWriting(harness, 2001);
      await publishOneMore(harness, '2020-01-01');
      await harness.moreWorkers();
      await restartLanding(harness);
      await secondsToCatchUp(pipeline);
      signal(workers, 'land', 'SIGCONT');
      await sleep(3_000); // so that it can do its worst
      await expectExactlyOnce(pipeline);
    },
  },
]);
