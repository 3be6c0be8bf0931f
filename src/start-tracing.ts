import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { NO_TRACER, type Tracer } from './domain/tracer.ts'
import { convertImage, convertInputImage } from './images/convert.ts'
import type { MediaStore } from './images/media-store.ts'
import { traceConversion, traceInputConversion, traceStore } from './images/trace-images.ts'
import type { Tracing } from './telemetry/tracing.ts'

const readVersion = (): string => {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Begins to trace where the configuration says so; else OpenTelemetry's packages are not even loaded. */
export const startTracing = async (config: Config, logger: Logger): Promise<Tracing> => {
  if (!config.tracing) return { tracer: NO_TRACER, close: async () => undefined }
  const { createTracing } = await import('./telemetry/tracing.ts')
  return createTracing(config.tracing, { logger, version: readVersion() })
}

/** What pictures are converted and hosted with, traced. */
export const traceImageWork = (store: MediaStore, tracer: Tracer) => ({
  store: traceStore(store, tracer),
  convert: traceConversion(convertImage, tracer),
  convertInput: traceInputConversion(convertInputImage, tracer),
})
