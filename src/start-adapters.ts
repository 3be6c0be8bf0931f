import type { Logger } from 'pino'
import type { UpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { providerModules } from '#providers/provider-modules.ts'
import type { Config } from './config.ts'
import type { BusyCount } from './domain/busy-count.ts'
import { systemClock } from './domain/clock.ts'
import type { ProviderAdapter } from './domain/provider-adapter.ts'
import type { Tracer } from './domain/tracer.ts'
import { traceAnswers, traceUpstream } from './generation/trace-attempts.ts'
import { trackCalls } from './generation/track-calls.ts'

interface AdapterParts {
  readonly config: Config
  readonly logger: Logger
  readonly upstream: UpstreamTransport
  /** Counts the calls under way. */
  readonly calls: BusyCount
  readonly tracer: Tracer
}

/** Adapters of the providers that the configuration switches on, by slug. */
export const startAdapters = (parts: AdapterParts): Map<string, ProviderAdapter> => {
  const { config, logger, upstream, calls, tracer } = parts
  const dependencies = {
    send: traceUpstream(upstream.send, tracer),
    logger,
    clock: systemClock,
    timeScale: config.timeScale,
  }
  const adapters = new Map<string, ProviderAdapter>()
  for (const module of providerModules) {
    const settings = config.providers.get(module.id)
    if (!settings) continue
    const adapter = traceAnswers(module.create(settings, dependencies), tracer)
    adapters.set(module.id, trackCalls(adapter, calls))
  }
  return adapters
}
