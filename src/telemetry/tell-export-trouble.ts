import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'

/** Such as `ECONNREFUSED` or 401; the message may have the collector's whole answer in it. */
const reasonOf = (error: Error | undefined): string | number => {
  const code = error && 'code' in error ? error.code : undefined
  return typeof code === 'string' || typeof code === 'number' ? code : (error?.name ?? 'unknown')
}

/** The same exporter; a log line says when it begins to fail, and when it works again. */
export const tellExportTrouble = (exporter: SpanExporter, logger: Logger): SpanExporter => {
  let isFailing = false
  return {
    export: (spans, onResult) =>
      exporter.export(spans, (result) => {
        const hasFailed = result.code !== 0
        if (hasFailed && !isFailing) {
          logger.warn(
            { reason: reasonOf(result.error) },
            'traces cannot be exported: those that come too many meanwhile are dropped',
          )
        }
        if (!hasFailed && isFailing) logger.info('traces are exported again')
        isFailing = hasFailed
        onResult(result)
      }),
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  }
}
