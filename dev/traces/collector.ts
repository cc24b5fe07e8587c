/** The other end of OTLP over HTTP: takes what workers send and reads the spans, for tests and for pictures of a trace. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { parse } from 'protobufjs';

/** Of opentelemetry-proto 1, the fields that are looked at. */
const REQUEST = parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
    repeated Event events = 11; repeated Link links = 13; Status status = 15;
  }
  message Event { string name = 2; repeated KeyValue attributes = 3; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
  }
`).root.lookupType('Request');

type Values = Record<string, string | number | boolean>;

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Empty of a root. */
  parentId: string;
  name: string;
  /** Milliseconds since 1970. */
  begin: number;
  end: number;
  attributes: Values;
  /** Of the process that sent it. */
  resource: Values;
  failed: boolean;
  message: string;
  events: { name: string; attributes: Values }[];
  links: { traceId: string; spanId: string }[];
}

export interface Collector {
  url: string;
  spans: ReceivedSpan[];
  /** All that came, unpacked: metrics too, of which nothing else is kept. */
  requests: { path: string; headers: IncomingHttpHeaders; body: Buffer }[];
  close(): Promise<void>;
}

/** Listens on loopback, on a port that is free or the one given. */
export async function startCollector(port = 0): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const requests: Collector['requests'] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { url: path = '', headers } = request;
      requests.push({ path, headers, body });
      if (path === '/v1/traces') spans.push(...spansIn(body));
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

interface RawValues {
  key: string;
  value: { stringValue?: string; boolValue?: boolean; intValue?: number; doubleValue?: number };
}
interface RawSpan {
  [name: string]: unknown;
  attributes: RawValues[];
  events: { name: string; attributes: RawValues[] }[];
  links: { traceId: string; spanId: string }[];
  status?: { code: number; message: string };
}

function spansIn(body: Buffer): ReceivedSpan[] {
  const request = REQUEST.toObject(REQUEST.decode(body), {
    bytes: Array,
    longs: Number,
    defaults: true,
  }) as { resourceSpans: { resource: { attributes: RawValues[] }; scopeSpans: { spans: RawSpan[] }[] }[] };
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) => scope.spans.map((span) => received(span, valuesOf(resource.attributes)))),
  );
}

function received(span: RawSpan, resource: Values): ReceivedSpan {
  const { name, startTimeUnixNano, endTimeUnixNano, status } = span;
  return {
    traceId: hex(span['traceId']),
    spanId: hex(span['spanId']),
    parentId: hex(span['parentSpanId']),
    name: name as string,
    begin: (startTimeUnixNano as number) / 1e6,
    end: (endTimeUnixNano as number) / 1e6,
    attributes: valuesOf(span.attributes),
    resource,
    failed: status?.code === 2,
    message: status?.message ?? '',
    events: span.events.map((event) => ({ name: event.name, attributes: valuesOf(event.attributes) })),
    links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
  };
}

const hex = (bytes: unknown) => Buffer.from(bytes as number[]).toString('hex');

function valuesOf(list: readonly RawValues[]): Values {
  return Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0] ?? '']));
}
