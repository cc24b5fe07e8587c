/**
 * `npm run screenshots`: pictures of the Temporal Web UI for the documents, from a stack in which the demo has run
 * (`npm run demo -- --once`), beside workers (`npm run worker`), who tell the current details. A Chromium of this machine
 * draws them: CHROMIUM, or chromium, chromium-browser or google-chrome on the PATH.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '../../cli/client';
import { WORKFLOWS } from '../../domain/names';
import { readAddresses } from '../stack';
import { withBrowser } from './browser';

const DIRECTORY = join(__dirname, '../../docs/images');
const SIZE = { width: 1280, height: 860 };

/** The UI asks for more after it has drawn something; seconds are enough on a machine that is not busy. */
const SETTLE_MS = 6_000;

async function main(): Promise<void> {
  const ui = process.env['TEMPORAL_UI'] ?? (await readAddresses())?.TEMPORAL_UI;
  if (!ui) throw new Error('No Web UI is known: run npm run stack -- up, or set TEMPORAL_UI.');
  const pages = await pagesOf(ui);
  mkdirSync(DIRECTORY, { recursive: true });
  await withBrowser(SIZE, async (browser) => {
    for (const [name, url] of Object.entries(pages)) {
      const png = await browser.picture(url, SETTLE_MS);
      writeFileSync(join(DIRECTORY, `${name}.png`), png);
      console.log(`docs/images/${name}.png  ${Math.round(png.length / 1024)} KB  ${url}`);
    }
  });
}

/** By the picture's name. */
async function pagesOf(ui: string): Promise<Record<string, string>> {
  return withClient(async (client) => {
    const { namespace } = client.options;
    const workflows = `${ui}/namespaces/${namespace}/workflows`;
    const page = async (id: string, tab: string) => {
      const { runId } = await client.workflow.getHandle(id).describe();
      return `${workflows}/${id}/${runId}/${tab}`;
    };
    const query = encodeURIComponent('OrdersLagSeconds >= 0 AND ExecutionStatus = "Running"');
    return {
      'capture-history': await page(WORKFLOWS.captureOrders.id, 'history'),
      'capture-details': await page(WORKFLOWS.captureOrders.id, 'user-metadata'),
      'land-details': await page(WORKFLOWS.landOrders.id, 'user-metadata'),
      'workflows-by-lag': `${workflows}?query=${query}`,
    };
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
