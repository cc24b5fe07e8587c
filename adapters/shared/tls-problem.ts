import { isNativeError } from 'node:util/types';

/** What a TLS handshake failed for, and what to do. */
export interface TlsProblem {
  /** Only other settings or another certificate mend it. One that is renewed in place, or a wrong clock, is transient. */
  nonRetryable: boolean;
  advice: string;
}

/** What the settings concerned are called. */
export interface TlsNames {
  ca: string;
  cert: string;
  key: string;
}

export const namesIn = (section: 'postgres' | 'kafka'): TlsNames => ({
  ca: `${section}.ssl.ca`,
  cert: `${section}.ssl.cert`,
  key: `${section}.ssl.key`,
});

const UNTRUSTED = ({ ca }: TlsNames) =>
  `the server's certificate is not signed by ${ca}, or without one by an authority that Node knows: ` +
  `give the certificate of its authority as ${ca}`;
const CLIENT_CERTIFICATE = ({ cert, key }: TlsNames) =>
  `the server wants a client certificate that it trusts: give ${cert} and ${key}`;
const WRONG_NAME = () =>
  'the certificate is for other names: connect by one of those, or have it issued for this one as well';
const WRONG_PAIR = ({ cert, key }: TlsNames) => `${key} is not the key of ${cert}`;
const DATES = () => "its certificate is outside its dates: have it renewed, or correct this machine's clock";

type Entry = [nonRetryable: boolean, advice: (names: TlsNames) => string];

/** By Node's and OpenSSL's codes. */
const PROBLEMS: Record<string, Entry> = {
  SELF_SIGNED_CERT_IN_CHAIN: [true, UNTRUSTED],
  DEPTH_ZERO_SELF_SIGNED_CERT: [true, UNTRUSTED],
  UNABLE_TO_GET_ISSUER_CERT: [true, UNTRUSTED],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [true, UNTRUSTED],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [true, UNTRUSTED],
  CERT_SIGNATURE_FAILURE: [true, UNTRUSTED],
  INVALID_CA: [true, UNTRUSTED],
  ERR_TLS_CERT_ALTNAME_INVALID: [true, WRONG_NAME],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [true, CLIENT_CERTIFICATE],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: [true, CLIENT_CERTIFICATE],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: [true, CLIENT_CERTIFICATE],
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: [true, WRONG_PAIR],
  CERT_HAS_EXPIRED: [false, DATES],
  CERT_NOT_YET_VALID: [false, DATES],
};

/** The problem behind an error of a connection, or `undefined` where TLS is not to blame. */
export function tlsProblem(error: unknown, names: TlsNames): TlsProblem | undefined {
  if (!isNativeError(error)) return undefined;
  const { code } = error as { code?: unknown };
  const found = typeof code === 'string' ? PROBLEMS[code] : undefined;
  if (found === undefined) return tlsProblem(error.cause, names);
  const [nonRetryable, advice] = found;
  return { nonRetryable, advice: advice(names) };
}
