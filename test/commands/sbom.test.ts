import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { packagesOf, readLock } from '../../dev/scripts/licences';

const project = join(__dirname, '../..');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as object;

test('npm run sbom prints a CycloneDX document of all that production installs', () => {
  const sbom = JSON.parse(
    execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: project, encoding: 'utf8' }),
  ) as {
    specVersion: string;
    components: { name: string; version: string }[];
    dependencies: { ref: string }[];
  };
  const schemas = join(require.resolve('@cyclonedx/cyclonedx-library'), '../../res/schema');
  // Formats, of dates and addresses, are left to npm: checking them takes more packages than they are worth.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ['spdx', 'jsf-0.82'].map((one) => `${one}.SNAPSHOT.schema.json`))
    ajv.addSchema(json(join(schemas, name)), `http://cyclonedx.org/schema/${name}`);
  const validate = ajv.compile(json(join(schemas, `bom-${sbom.specVersion}.SNAPSHOT.schema.json`)));
  validate(sbom);
  expect(validate.errors).toBeNull();
  expect(validate({ ...sbom, components: [{ name: 'x' }] })).toBe(false);
  const listed = new Set(sbom.components.map(({ name, version }) => `${name}@${version}`));
  const packages = packagesOf(readLock());
  const installed = packages.filter(({ dev }) => !dev).map(({ name }) => name);
  expect([...listed].sort()).toEqual(installed.sort());
  // What a package for development needs, too, is among them.
  expect(installed.filter((name) => /^(yaml|zod)@/.test(name))).toHaveLength(2);
  expect(sbom.dependencies.length).toBe(sbom.components.length + 1);
});
