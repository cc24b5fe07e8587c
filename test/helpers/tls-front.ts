import {
  connect,
  constants,
  createSecureServer,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Authority, Certificate } from './certificates';

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM } = constants;
const UNAUTHENTICATED = 16;

/** TLS and a key for a gRPC server that has neither: what stands before Temporal in the cloud. */
export interface TlsFront {
  address: string;
  close(): Promise<void>;
}

/** Lets in who has both a certificate of the authority and the key. */
export async function tlsFront(
  target: string,
  options: { authority: Authority; certificate: Certificate; apiKey: string },
): Promise<TlsFront> {
  const { authority, certificate, apiKey } = options;
  const sockets = new Set<Socket>();
  const behind = connect(`http://${target}`);
  const server = createSecureServer({
    ...certificate,
    ca: authority.ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  // Of refused handshakes, too: they would keep the server from closing.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('stream', (stream, headers) => {
    if (headers.authorization === `Bearer ${apiKey}`) forward(stream, headers, behind);
    else {
      const status = { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'this key is not known' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      behind.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, behind: ClientHttp2Session): void {
  const request = behind.request({ ...headers, ':scheme': 'http' });
  let trailers: IncomingHttpHeaders = {};
  request.on('response', (answer, flags) => {
    const endStream = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    if (!stream.closed) stream.respond(answer, { endStream, waitForTrailers: !endStream });
  });
  request.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.pipe(request).pipe(stream);
  request.on('error', () => stream.close(NGHTTP2_CANCEL));
  stream.on('error', () => undefined).on('close', () => request.close(NGHTTP2_CANCEL));
}
