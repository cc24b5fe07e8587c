/** `npm run test:faults`: kills processes and servers for minutes, so it runs alone and not within `npm test`. */
const { projects } = require('./jest.config.cjs');

const [servers] = projects.filter(({ displayName }) => displayName === 'servers');

/** @type {import('jest').Config} */
module.exports = { ...servers, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.ts'] };
