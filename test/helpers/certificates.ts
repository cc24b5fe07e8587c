import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate and its key, PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority {
  /** Its own certificate: what clients trust. */
  ca: string;
  /** For servers at that address and, as a client, for anybody; for a year, or until a day that may be over. */
  issue(ip: string, until?: Date): Promise<Certificate>;
}

const COMMON = { keyType: 'ec', algorithm: 'sha256' } as const;

/** A new certificate authority, which nobody knows yet. */
export async function newAuthority(): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: 'Authority of a test' }], {
    ...COMMON,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  return {
    ca: own.cert,
    async issue(ip, until) {
      const issued = await generate([{ name: 'commonName', value: 'server of a test' }], {
        ...COMMON,
        ca: { key: own.private, cert: own.cert },
        ...(until === undefined ? {} : { notBeforeDate: new Date(0), notAfterDate: until }),
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'keyUsage', digitalSignature: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          { name: 'subjectAltName', altNames: [{ type: 7, ip }] },
        ],
      });
      return { cert: issued.cert, key: issued.private };
    },
  };
}

/** Writes the files that docs/security.md names, for the example in it to be used as it stands there. */
export function writeCertificates(directory: string, { ca }: Authority, { cert, key }: Certificate): void {
  writeFileSync(join(directory, 'ca.pem'), ca);
  writeFileSync(join(directory, 'orders.pem'), cert);
  writeFileSync(join(directory, 'orders-key.pem'), key, { mode: 0o600 });
}
