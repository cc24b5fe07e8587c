// The layers, each knowing only what stands below it:
//
//   domain <- messages, ports <- activities, adapters <- reconcile <- workers, cli <- dev, test
//
// Workflows know domain, and of ports and activities the types. `npm run check` runs this; an exception says why it is
// there and goes when its reason does.

/** Directories of the product. dev/ and test/ are never shipped. */
const PRODUCT = '^(activities|adapters|cli|configs|domain|messages|ports|reconcile|workers|workflows)/';
const OURS = '^(activities|adapters|cli|configs|dev|domain|messages|ports|reconcile|test|workers|workflows)/';

/** `directory` may import of our own code what `allowed` names, and of `typesFrom` types only. */
function layer(directory, { allowed, typesFrom = [], except = [] }) {
  const from = { path: `^${directory}/`, pathNot: except };
  const open = [directory, ...allowed].map((path) => `^${path}/`);
  const types = typesFrom.map((path) => `^${path}`);
  return [
    {
      name: `${directory}-layer`,
      comment: `${directory}/ imports ${[...allowed, ...typesFrom.map((t) => `types of ${t}`)].join(', ') || 'nothing of ours'}.`,
      severity: 'error',
      from,
      to: { path: OURS, pathNot: [...open, ...types] },
    },
    ...(types.length === 0
      ? []
      : [
          {
            name: `${directory}-types-only`,
            comment: `${directory}/ imports of ${typesFrom.join(', ')} types only.`,
            severity: 'error',
            from,
            to: { path: types, pathNot: open, dependencyTypesNot: ['type-only'] },
          },
        ]),
  ];
}

/** Outside `room` only its door is imported. */
function door(room, { doors, within, except = [] }) {
  return {
    name: `door-of-${room.replaceAll('/', '-')}`,
    comment: `What ${room} shows stands in ${doors.join(', ')}.`,
    severity: 'error',
    from: { path: `${within ? `^${within}/` : PRODUCT + '|^dev/'}`, pathNot: [`^${room}/`, ...except] },
    to: { path: `^${room}/`, pathNot: doors.map((file) => `^${file}$`) },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layer('domain', { allowed: [] }),
    // It needs Node's Buffer, so workflows may not have it.
    ...layer('messages', { allowed: ['domain'] }),
    ...layer('ports', { allowed: ['domain'] }),
    ...layer('configs', { allowed: ['domain'] }),
    ...layer('workflows', { allowed: ['domain'], typesFrom: ['ports', 'activities'] }),
    ...layer('activities', {
      allowed: ['domain', 'messages', 'ports'],
      typesFrom: ['configs/schema'],
    }),
    ...layer('adapters', {
      allowed: ['domain', 'ports'],
      // Options of a connection are still the settings' own types. They should be the adapter's, with the worker translating.
      typesFrom: ['configs/schema', 'configs/temporal'],
    }),
    ...layer('reconcile', {
      // Files are read with the DuckDB of the lake's door for readers; source and topic stand behind ports.
      allowed: ['domain', 'messages', 'ports', 'adapters/lake/reading'],
      // It makes the adapters of the settings.
      except: ['^reconcile/open\\.ts$'],
    }),
    ...layer('workers', { allowed: ['domain', 'ports', 'configs', 'activities', 'adapters', 'reconcile'] }),
    ...layer('cli', { allowed: ['domain', 'ports', 'configs', 'adapters', 'reconcile'] }),
    {
      name: 'exceptions-of-layers',
      comment: 'The file left out above has one reason, and no other.',
      severity: 'error',
      from: { path: '^reconcile/open\\.ts$' },
      to: {
        path: OURS,
        pathNot: '^(domain|ports|reconcile|adapters/(postgres|kafka|lake)|configs/schema\\.ts)',
      },
    },
    {
      name: 'adapters-apart',
      comment: 'One adapter knows nothing of another; what they share is in adapters/shared.',
      severity: 'error',
      from: { path: '^adapters/([^/]+)/' },
      to: { path: '^adapters/', pathNot: ['^adapters/$1/', '^adapters/shared/'] },
    },
    {
      name: 'workflows-loaded-by-path',
      comment:
        'Workflow code runs in a sandbox of its own: the worker bundles it by path, nobody imports it.',
      severity: 'error',
      from: { path: PRODUCT, pathNot: '^workflows/' },
      to: { path: '^workflows/', dependencyTypesNot: ['type-only'] },
    },
    ...['transport', 'topic', 'records', 'producer', 'reader', 'admin'].map((room) =>
      door(`adapters/kafka/${room}`, {
        doors: [`adapters/kafka/${room}/index.ts`],
        within: 'adapters/kafka',
      }),
    ),
    ...['storage', 'files', 'ledger', 'reading', 'writing'].map((room) =>
      door(`adapters/lake/${room}`, { doors: [`adapters/lake/${room}/index.ts`], within: 'adapters/lake' }),
    ),
    door('adapters/iceberg', { doors: ['adapters/iceberg/index.ts'] }),
    door('adapters/postgres', { doors: ['adapters/postgres/index.ts'] }),
    door('adapters/kafka', {
      doors: ['adapters/kafka/index.ts', 'adapters/kafka/admin/index.ts'],
      // One wants kafkajs's timers mended and nothing else loaded, the other a wait that can be broken off.
      except: ['^dev/stack/servers/kafka-request\\.ts$', '^dev/torture/torture\\.ts$'],
    }),
    door('adapters/lake', {
      doors: ['adapters/lake/writing/index.ts', 'adapters/lake/reading/index.ts'],
      // It compares the encoder with that of another library.
      except: ['^dev/bench/writers\\.ts$'],
    }),
    door('dev/oracle', { doors: ['dev/oracle/index.ts'], within: 'dev' }),
    {
      name: 'kafka-rooms',
      comment: 'transport <- topic, records <- producer, reader <- admin.',
      severity: 'error',
      from: { path: '^adapters/kafka/(transport|topic|records|producer|reader)/' },
      to: { path: '^adapters/kafka/(admin/|index\\.ts$)' },
    },
    {
      name: 'kafka-producer-and-reader-apart',
      comment: 'What publishes and what reads share transport, topic and records.',
      severity: 'error',
      from: { path: '^adapters/kafka/(producer|reader)/' },
      to: { path: '^adapters/kafka/(producer|reader)/', pathNot: '^adapters/kafka/$1/' },
    },
    {
      name: 'lake-rooms',
      comment: 'storage <- files <- ledger <- reading <- writing.',
      severity: 'error',
      from: { path: '^adapters/lake/(storage|files|ledger|reading)/' },
      to: { path: '^adapters/lake/writing/' },
    },
    {
      name: 'lake-storage-lowest',
      comment: 'A storage knows names and bytes, and nothing of what they are.',
      severity: 'error',
      from: { path: '^adapters/lake/storage/' },
      to: { path: '^adapters/lake/', pathNot: '^adapters/lake/storage/' },
    },
    {
      name: 'files-through-storage',
      comment:
        'The lake is reached through its storage. Besides: settings, the state file, scratch files, and the bundle of workflows.',
      severity: 'error',
      from: {
        path: PRODUCT,
        pathNot: [
          '^adapters/(lake/storage|state-file|shared/(writable|small-file))',
          '^adapters/lake/reading/duckdb\\.ts$',
          '^reconcile/verify/narrow\\.ts$',
          '^(configs|workers)/',
        ],
      },
      to: { path: '^(node:)?fs(/promises)?$' },
    },
    {
      name: 'product-needs-no-tools',
      comment: 'The product imports nothing of dev/ or test/.',
      severity: 'error',
      from: { path: PRODUCT },
      to: { path: '^(dev|test)/' },
    },
    {
      name: 'oracle-apart',
      comment: 'What judges the product for tests and torture shares no code with it.',
      severity: 'error',
      from: { path: '^dev/oracle/' },
      to: { path: OURS, pathNot: '^dev/oracle/' },
    },
    {
      name: 'product-dependencies',
      comment: 'The product needs no package that a production install leaves out.',
      severity: 'error',
      from: { path: PRODUCT },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-cycles',
      comment: 'Modules that need each other to be loaded. Types may refer to each other.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'Each import leads somewhere. Types of the inside of kafkajs are declared by us.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^kafkajs/src/cluster/types$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.d.ts', '.mjs', '.cjs', '.js', '.json'] },
    moduleSystems: ['cjs', 'es6'],
  },
};
