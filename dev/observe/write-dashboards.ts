/** `npm run dashboards`: writes ops/grafana/*.json from what the pages list. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardJson } from './dashboard';
import { PAGES } from './pages';

for (const page of PAGES) {
  writeFileSync(join(__dirname, '../../ops/grafana', page.file), dashboardJson(page));
  console.log(`ops/grafana/${page.file}`);
}
