import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { vi } from 'vitest'
import { type ReceivedSpan, readTraceExport } from './otlp-protobuf.ts'

/** An export as it came. */
export interface ReceivedExport {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Unpacked. */
  readonly body: Buffer
}

/** A collector of traces on the loopback interface. */
export interface OtlpCollector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  readonly exports: readonly ReceivedExport[]
  readonly spans: readonly ReceivedSpan[]
  /** Answers what comes from now on: a status, or not at all. */
  answerWith(how: number | 'never'): void
  /** Waits until this many spans have come, at least; gives and forgets all. */
  take(count: number): Promise<readonly ReceivedSpan[]>
  close(): Promise<void>
}

export const startOtlpCollector = async (): Promise<OtlpCollector> => {
  const exports: ReceivedExport[] = []
  const spans: ReceivedSpan[] = []
  let how: number | 'never' = 200
  const server = createServer(async (request, response) => {
    const packed = await buffer(request)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed
    exports.push({ path: request.url ?? '', headers: request.headers, body })
    if (how === 'never') return
    if (how === 200) spans.push(...readTraceExport(body))
    response.writeHead(how, { 'content-type': 'application/x-protobuf' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    exports,
    spans,
    answerWith: (next) => {
      how = next
    },
    take: async (count) => {
      const haveCome = (): void => {
        if (spans.length < count) {
          throw new Error(
            `${spans.length} of ${count}: ${spans.map(({ name }) => name).join(', ')}`,
          )
        }
      }
      await vi.waitFor(haveCome, { timeout: 10_000 })
      return spans.splice(0)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A span with what happened within it. */
export interface SpanTree {
  readonly name: string
  readonly kind: ReceivedSpan['kind']
  readonly status: ReceivedSpan['status']
  readonly attributes: ReceivedSpan['attributes']
  /** In the order of their begin. */
  readonly parts: readonly SpanTree[]
}

const treeOf = (span: ReceivedSpan, spans: readonly ReceivedSpan[]): SpanTree => ({
  name: span.name,
  kind: span.kind,
  status: span.status,
  attributes: span.attributes,
  parts: spans
    .filter(({ parentSpanId }) => parentSpanId === span.spanId)
    .toSorted((left, right) => Number(left.startNs - right.startNs))
    .map((part) => treeOf(part, spans)),
})

/** Spans as trees, one for each whose parent is not among them. */
export const treesOf = (spans: readonly ReceivedSpan[]): readonly SpanTree[] => {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  return spans
    .filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId))
    .toSorted((left, right) => Number(left.startNs - right.startNs))
    .map((root) => treeOf(root, spans))
}
