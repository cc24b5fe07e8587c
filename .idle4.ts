import { writeFileSync } from 'node:fs';
import { readAddresses } from '/tmp/wt-4/stack';
import { freshPipeline, freshNamespace, ORDERS_TABLE } from '/tmp/wt-4/stack/fresh-pipeline';
import { startWorkers } from '/tmp/wt-4/bench/workers';
import { startWorkflows } from '/tmp/wt-4/cli/start';
async function main() {
  const a = (await readAddresses({ home: '/tmp/stack-4', useEnvironment: false }))!;
  const p = await freshPipeline(a);
  const { client } = await freshNamespace(a, p.name, { searchAttributes: true });
  const w = await startWorkers(p);
  await startWorkflows(client);
  writeFileSync('/tmp/idle4.env', Object.entries(p.env).map(([k, v]) => `export ${k}=${v}`).join('\n'));
  const insert = (n: number) => p.pool.query(`INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) SELECT 'a','b','c',1,'PLACED' FROM generate_series(1,${n})`);
  const count = async (label: string) => {
    for (const id of ['orders-capture', 'orders-land']) {
      let events = 0, upserts = 0, batches = 0, runs = 0;
      for await (const { runId } of client.workflow.list({ query: `WorkflowId = "${id}"` })) {
        runs++;
        const h = await client.workflow.getHandle(id, runId).fetchHistory();
        for (const e of h.events ?? []) { events++; if (e.upsertWorkflowSearchAttributesEventAttributes) upserts++; if (/^(publish|landMicroBatch)$/.test(e.activityTaskScheduledEventAttributes?.activityType?.name ?? '')) batches++; }
      }
      console.log(label, id, { runs, events, upserts, batches });
    }
  };
  const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
  await sleep(3000);
  await count('start');
  for (let i = 0; i < 60; i++) { await insert(5); await sleep(1000); }
  await sleep(3000);
  await count('after 60 s of trickle, 5 rows once a second');
  await sleep(11 * 60_000);
  await count('after 11 min idle');
  await insert(600_000);
  await sleep(30_000);
  await count('after a backlog of 600,000');
  await w.stop();
  await p.pool.end();
  process.exit(0);
}
main().catch((e) => { console.error(e); process.exit(1); });
