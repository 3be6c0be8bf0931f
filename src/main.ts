import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createUpstreamFetch, type UpstreamFetch } from '#providers/lib/upstream-fetch.ts'
import { providerModules } from '#providers/provider-modules.ts'
import { type App, type AppDependencies, buildApp } from './app.ts'
import { createCatalog } from './catalog/catalog.ts'
import { CatalogError, readModelFiles } from './catalog/model-files.ts'
import { type Config, ConfigError, readConfig, readProcessEnvironment } from './config.ts'
import { type BusyCount, createBusyCount } from './domain/busy-count.ts'
import { systemClock } from './domain/clock.ts'
import type { ProviderAdapter } from './domain/provider-adapter.ts'
import { createGenerationEvents } from './generation/events.ts'
import type { GenerationDependencies } from './generation/generation-dependencies.ts'
import { trackCalls } from './generation/track-calls.ts'
import { MAX_INPUT_IMAGE_BYTES } from './http/limits.ts'
import { convertInputImage } from './images/convert.ts'
import { createDiskMediaStore } from './images/disk-media-store.ts'
import { createImageFetcher, type ImageFetcher } from './images/fetch-image.ts'
import { DEFAULT_MAX_INPUT_PIXELS, inspectInputImage } from './images/inspect-input-image.ts'
import { measureFetches } from './images/measure-fetches.ts'
import { createMediaSigner, loadMediaSecret } from './images/media-url.ts'
import { prepareImages } from './images/prepare-images.ts'
import { readInputImage } from './images/read-input-image.ts'
import { DEFAULT_ROUTING_POLICY, scalePolicy } from './routing/policy.ts'
import { createMemoryProviderHealth } from './state/memory/memory-provider-health.ts'
import { createLogger } from './telemetry/logger.ts'
import { logRequestEvents } from './telemetry/request-events.ts'

/** Largest image taken from a provider, in bytes: a 4K PNG has up to 30 MB. */
const MAX_OUTPUT_IMAGE_BYTES = 100 * 1000 * 1000

/** Time limit of one download of a provider's image, in milliseconds before `TIME_SCALE`. */
const IMAGE_FETCH_TIMEOUT_MS = 30_000

/**
 * Pauses before a broken download of a provider's image is tried again, in milliseconds before `TIME_SCALE`: an image
 * that was paid for is worth a second.
 */
const FETCH_RETRY_DELAYS_MS = [200, 1_000]

/** How often expired images are removed, in milliseconds. */
const SWEEP_INTERVAL_MS = 60_000

/** How much longer than the slowest request a shutdown waits, in milliseconds. */
const DRAIN_MARGIN_MS = 15_000

/** A gateway that listens. */
export interface RunningGateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  readonly logger: Logger
  /** Takes no new requests, finishes those in flight, frees everything. */
  close(): Promise<void>
}

const createAdapters = (
  config: Config,
  logger: Logger,
  upstream: UpstreamFetch,
  calls: BusyCount,
): Map<string, ProviderAdapter> => {
  const dependencies = {
    fetch: upstream.fetch,
    logger,
    clock: systemClock,
    timeScale: config.timeScale,
  }
  const adapters = new Map<string, ProviderAdapter>()
  for (const module of providerModules) {
    const settings = config.providers.get(module.id)
    if (settings) adapters.set(module.id, trackCalls(module.create(settings, dependencies), calls))
  }
  return adapters
}

const createMedia = async (config: Config) => {
  const store = await createDiskMediaStore(config.mediaDir)
  return { store, signer: createMediaSigner(await loadMediaSecret(config.mediaDir)) }
}

type Media = Awaited<ReturnType<typeof createMedia>>

const createGeneration = async (
  config: Config,
  parts: {
    adapters: Map<string, ProviderAdapter>
    media: Media
    fetcher: ImageFetcher
    logger: Logger
  },
): Promise<GenerationDependencies> => {
  const builtIn = new URL('./catalog/models', import.meta.url).pathname
  const folders = [builtIn, ...(config.modelsDir ? [config.modelsDir] : [])]
  const events = createGenerationEvents()
  logRequestEvents(events, parts.logger)
  return {
    catalog: createCatalog(await readModelFiles(folders)),
    adapters: parts.adapters,
    health: createMemoryProviderHealth(),
    policy: scalePolicy(DEFAULT_ROUTING_POLICY, config.timeScale),
    clock: systemClock,
    events,
    convertInput: convertInputImage,
    prepareImages: (images, wanted, { signal, measureUpstream }) =>
      prepareImages(images, wanted, {
        ...parts.media,
        fetcher: measureFetches(parts.fetcher, measureUpstream),
        clock: systemClock,
        mediaTtlMs: config.mediaTtlMs,
        maxImageBytes: MAX_OUTPUT_IMAGE_BYTES,
        retryDelaysMs: FETCH_RETRY_DELAYS_MS.map((delayMs) => delayMs / config.timeScale),
        signal,
      }),
  }
}

const createFetcher = (config: Config): ImageFetcher =>
  createImageFetcher({
    allowedHosts: config.outboundAllow,
    maxBytes: MAX_OUTPUT_IMAGE_BYTES,
    timeoutMs: IMAGE_FETCH_TIMEOUT_MS / config.timeScale,
  })

const inspectUpload: AppDependencies['inspectImage'] = async (bytes, param) => {
  const limits = { maxBytes: MAX_INPUT_IMAGE_BYTES, maxPixels: DEFAULT_MAX_INPUT_PIXELS }
  const { format } = await inspectInputImage(bytes, param, limits)
  return { bytes, format }
}

const urlOf = (app: FastifyInstance, host: string): string => {
  const { port } = app.server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const startSweeping = ({ store }: Media, logger: Logger): NodeJS.Timeout =>
  setInterval(() => {
    store.sweep(systemClock.now()).catch((error: NodeJS.ErrnoException) => {
      logger.warn({ code: error.code }, 'expired images could not be removed')
    })
  }, SWEEP_INTERVAL_MS).unref()

/**
 * Takes no new connections and waits for the requests in flight. A connection that never sent a request counts as busy
 * to Node and would hold the shutdown, so the rest are ended once the last answer is out.
 */
const drain = async ({ server, inFlight }: App): Promise<void> => {
  const closed = server.close()
  await inFlight.untilNone()
  server.server.closeAllConnections()
  await closed
}

/** Puts the gateway together and listens. Rejects with `ConfigError` or `CatalogError` when it cannot be. */
export const startGateway = async (
  config: Config,
  logger: Logger = createLogger(config.logLevel),
): Promise<RunningGateway> => {
  const upstream = createUpstreamFetch()
  const fetcher = createFetcher(config)
  const calls = createBusyCount()
  const adapters = createAdapters(config, logger, upstream, calls)
  const media = await createMedia(config)
  const generation = await createGeneration(config, { adapters, media, fetcher, logger })
  const readiness = { isReady: false }
  const { server, inFlight } = buildApp({
    generation,
    inspectImage: inspectUpload,
    readImageReference: (reference, param, limits) =>
      readInputImage(reference, param, { fetcher, ...limits }),
    media,
    logger,
    readiness,
    providerNames: new Map(providerModules.map(({ id, name }) => [id, name])),
    keyHashes: config.keyHashes,
    requestTimeoutMs: config.requestTimeoutMs,
    corsOrigins: config.corsOrigins,
    ...(config.publicBaseUrl && { publicBaseUrl: config.publicBaseUrl }),
  })
  await server.listen({ host: config.host, port: config.port })
  const sweeping = startSweeping(media, logger)
  readiness.isReady = true
  const close = async (): Promise<void> => {
    readiness.isReady = false
    clearInterval(sweeping)
    await drain({ server, inFlight })
    // Adapters may still have jobs to cancel for clients that left; they limit themselves to a few seconds.
    await calls.untilNone()
    await Promise.all([upstream.close(), fetcher.close()])
    await Promise.all([...adapters.values()].map((adapter) => adapter.close?.()))
  }
  return { url: urlOf(server, config.host), logger, close }
}

/** One sentence for what an operator can mend, such as a port in use or a folder that cannot be written. */
const describeStartProblem = (error: unknown): string => {
  if (error instanceof ConfigError || error instanceof CatalogError) return error.message
  if (!(error instanceof Error)) return 'The gateway cannot start.'
  const isSystemError = 'syscall' in error
  return isSystemError ? `The gateway cannot start: ${error.message}` : String(error.stack)
}

const run = async (): Promise<void> => {
  try {
    const config = readConfig(readProcessEnvironment(), providerModules)
    const gateway = await startGateway(config)
    gateway.logger.info({ url: gateway.url, providers: [...config.providers.keys()] }, 'listening')
    if (config.redisUrl) gateway.logger.warn('REDIS_URL is not used yet: state is kept in memory')
    const drainMs = config.requestTimeoutMs + DRAIN_MARGIN_MS
    closeWithGrace({ delay: drainMs }, async ({ err }) => {
      if (err) gateway.logger.fatal({ name: err.name, stack: err.stack }, 'unexpected error')
      else gateway.logger.info('draining')
      await gateway.close()
    })
  } catch (error) {
    process.stderr.write(`${describeStartProblem(error)}\n`)
    process.exitCode = 1
  }
}

if (import.meta.main) await run()
