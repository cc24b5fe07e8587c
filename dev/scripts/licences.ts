/**
 * `npm run licences [-- --all]`: the licences of the packages that production installs (or of all), as package-lock.json has them, other
 * platforms' included. Exit code 1 where one is not in the list below.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** They ask for no more than their text and notice, which stand in each package. Of a package that is data, CC-BY asks for the same. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
]);

/** Packages that name no licence where tools look, and what their LICENSE file is. */
const READ_BY_US: Record<string, string> = { 'unionfs@4.6.0': 'Unlicense' };

interface Locked {
  version?: string;
  license?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
}

/** What package-lock.json has installed. */
export interface Package {
  name: string;
  licence: string;
  /** Development only. */
  dev: boolean;
  hasInstallScript: boolean;
}

/** As much of package-lock.json as counts here. */
export interface Lock {
  name: string;
  packages: Record<string, Locked>;
}

export const readLock = () =>
  JSON.parse(readFileSync(join(__dirname, '../../package-lock.json'), 'utf8')) as Lock;

/** The packages of a lock file, each version once. */
export function packagesOf(lock: Pick<Lock, 'packages'>): Package[] {
  const all = Object.entries(lock.packages).flatMap(([path, locked]): Package[] => {
    if (path === '') return [];
    const { version = '', license, dev = false, hasInstallScript = false } = locked;
    const name = `${path.replace(/^.*node_modules\//, '')}@${version}`;
    return [{ name, licence: license ?? READ_BY_US[name] ?? 'none named', dev, hasInstallScript }];
  });
  // One that is there twice is for development only if both are.
  all.sort((a, b) => a.name.localeCompare(b.name) || Number(a.dev) - Number(b.dev));
  return all.filter(({ name }, index) => name !== all[index - 1]?.name);
}

/** Whether an expression of SPDX, as far as packages use them, asks for nothing but what is allowed. */
export function isAllowed(licence: string): boolean {
  const plain = licence.replaceAll(/[()]/g, '');
  if (/ AND .* OR | OR .* AND /.test(plain)) return false;
  const parts = plain.split(/ (?:AND|OR) /);
  return plain.includes(' OR ')
    ? parts.some((one) => ALLOWED.has(one))
    : parts.every((one) => ALLOWED.has(one));
}

function main(): void {
  const packages = packagesOf(readLock()).filter(({ dev }) => !dev || process.argv.includes('--all'));
  const licences = [...new Set(packages.map(({ licence }) => licence))].sort();
  for (const licence of licences) {
    const names = packages.filter((one) => one.licence === licence).map(({ name }) => name);
    console.log(
      `${isAllowed(licence) ? '' : 'NOT ALLOWED: '}${licence} (${names.length})\n  ${names.join(' ')}`,
    );
  }
  if (!licences.every(isAllowed)) process.exitCode = 1;
}

if (require.main === module) main();
