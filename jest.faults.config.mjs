import common from './jest.config.cjs';

const servers = common.projects.find(({ displayName }) => displayName === 'servers');

/**
 * `npm run test:faults`: kills processes and servers for minutes, so it runs alone and not within `npm test`.
 *
 * @type {import('jest').Config}
 */
export default { ...servers, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.ts'] };
