import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { normalizeTlsConfig } from '@temporalio/common/lib/internal-non-workflow';
import type { loadTemporal } from '../../configs/temporal';
import { tlsProblem } from '../shared/tls-problem';

const NAMES = {
  ca: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  cert: 'TEMPORAL_TLS_CLIENT_CERT_PATH',
  key: 'TEMPORAL_TLS_CLIENT_KEY_PATH',
};

const TIMEOUT_MS = 3_000;
const SPEAKS_TLS = `it speaks TLS: set ${NAMES.ca}, or TEMPORAL_TLS=true where its authority is a public one`;
const SPEAKS_NO_TLS = 'it speaks no TLS: unset TEMPORAL_TLS… and TEMPORAL_API_KEY, which switch it on';
const CLOSES = `it closes the connection: it may want a client certificate that it trusts, ${NAMES.cert} and ${NAMES.key}`;
const REFUSES = 'it refuses the login: check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE';

/** gRPC's number for it. */
const NOT_FOUND = 5;

type Temporal = ReturnType<typeof loadTemporal>;

/**
 * The error for a Temporal, or a namespace, that a client or worker cannot connect to. gRPC's libraries say only that time is up, so a
 * connection is made here to see what TLS has to say.
 */
export async function unreachable(temporal: Temporal, error: unknown): Promise<Error> {
  const { address, namespace } = temporal;
  const { message, code, cause } = error as Error & {
    code?: number;
    cause?: { code?: number; details?: string };
  };
  if (code === NOT_FOUND)
    return new Error(
      `Temporal at ${address} has no namespace ${namespace}. ` +
        `Create it (temporal operator namespace create -n ${namespace}), or set TEMPORAL_NAMESPACE.`,
      { cause: error },
    );
  const said = cause?.details ?? innermost(message);
  const trouble = isRefusal(code ?? cause?.code, message)
    ? `${REFUSES} (${said})`
    : await tlsTrouble(temporal);
  const text =
    trouble === undefined
      ? `Temporal at ${address} does not answer (${said}). Start it (npm run stack -- up), or set TEMPORAL_ADDRESS.`
      : `Temporal at ${address} cannot be used: ${trouble}.`;
  return new Error(text, { cause: error });
}

/** The worker's library prints its errors as Rust nests them; what the system said stands in the last. */
function innermost(message: string): string {
  return [...message.matchAll(/message: "([^"]+)"/g)].at(-1)?.[1] ?? message;
}

/** PERMISSION_DENIED or UNAUTHENTICATED; the worker's library has them in words. */
function isRefusal(code: number | undefined, words: string): boolean {
  return code === 7 || code === 16 || /valid authentication credentials|does not have permission/.test(words);
}

/** Makes a TLS connection as the configured one, or if none is configured, one that trusts anybody. */
function tlsTrouble({ address, connection }: Temporal): Promise<string | undefined> {
  const wanted = normalizeTlsConfig(connection.tls, connection.apiKey);
  const [host = '', port = '7233'] = address.split(':');
  return new Promise((resolve) => {
    const { clientCertPair, serverRootCACertificate: ca, serverNameOverride } = wanted ?? {};
    const name = serverNameOverride ?? (isIP(host) ? undefined : host);
    const socket = connect({
      host,
      port: Number(port),
      ...(name === undefined ? {} : { servername: name }),
      ...(ca == null ? {} : { ca: Buffer.from(ca) }),
      ...(clientCertPair == null
        ? {}
        : { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) }),
      ALPNProtocols: ['h2'],
      rejectUnauthorized: wanted !== undefined,
    });
    let secure = false;
    const end = (trouble?: string) => {
      resolve(trouble);
      socket.destroy();
    };
    socket.setTimeout(TIMEOUT_MS, () => end());
    socket.once('secureConnect', () => {
      secure = true;
      if (wanted === undefined) end(SPEAKS_TLS);
    });
    // The server's first frame: it has taken the client's certificate, if it wants one.
    socket.once('data', () => end());
    socket.once('close', () => end(secure ? CLOSES : undefined));
    socket.once('error', (error: Error & { code?: string }) => {
      const problem = tlsProblem(error, NAMES);
      if (problem !== undefined) end(problem.advice);
      else if (wanted !== undefined && /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER)/.test(error.code ?? ''))
        end(SPEAKS_NO_TLS);
      else end(secure ? CLOSES : undefined);
    });
  });
}
