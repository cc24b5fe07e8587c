import common from './jest.config.cjs';

const servers = common.projects.find(({ displayName }) => displayName === 'servers');

/**
 * Kills processes and servers, the last part of `npm test` and `npm run test:faults`. Apart from the other suites, whose
 * timing it would disturb. Nearly all its time is waiting until something is noticed, so suites share the machine.
 *
 * @type {import('jest').Config}
 */
export default {
  projects: [
    { ...servers, displayName: 'faults', testMatch: ['<rootDir>/test/{faults,world}/**/*.test.ts'] },
  ],
  maxWorkers: 2,
};
