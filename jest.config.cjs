// Packages published as ES modules only must be compiled for jest's module system.
const common = {
  testEnvironment: 'node',
  // Built, it has a package.json with the name of this one.
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform: {
    '^.+\\.(m?[jt]s)$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(hyparquet|hyparquet-writer|hyparquet-compressors)/)'],
};

/** @type {import('jest').Config} */
module.exports = {
  // Suites wait for servers more than they compute; jest's default on 2 cores would run one at a time. More disturb each other's timing.
  maxWorkers: 2,
  projects: [
    // No process and no server: what runs at each change.
    { ...common, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    // Processes of ours, on servers of their own or none.
    { ...common, displayName: 'commands', testMatch: ['<rootDir>/test/{commands,stack}/**/*.test.ts'] },
    {
      ...common,
      displayName: 'servers',
      testMatch: ['<rootDir>/test/{activities,adapters,cli,oracle,workflows,replay,e2e}/**/*.test.ts'],
      globalSetup: '<rootDir>/test/helpers/global-setup.ts',
      setupFilesAfterEnv: ['<rootDir>/test/helpers/timeout.ts'],
    },
  ],
};
