/**
 * `npm run --silent sbom`: a CycloneDX document of the packages that production installs. It is npm's own of all packages without those
 * for development only: with `--omit=dev` npm leaves out whatever a package for development needs as well (yaml and zod, for example).
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packagesOf, readLock } from './licences';

const project = join(__dirname, '../..');

interface Document {
  metadata: { component: { name: string } };
  components: { 'bom-ref': string; name: string; version: string }[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

const lock = readLock();
const wanted = new Set(
  packagesOf(lock)
    .filter(({ dev }) => !dev)
    .map(({ name }) => name),
);
const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
const document = JSON.parse(
  execFileSync('npm', args, { cwd: project, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }),
) as Document;

// npm takes the directory's name.
document.metadata.component.name = lock.name;
const left = document.components.filter(({ name, version }) => !wanted.has(`${name}@${version}`));
const gone = new Set(left.map((component) => component['bom-ref']));
document.components = document.components.filter((component) => !gone.has(component['bom-ref']));
document.dependencies = document.dependencies
  .filter(({ ref }) => !gone.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => !gone.has(one)) }));
console.log(JSON.stringify(document, null, 2));
