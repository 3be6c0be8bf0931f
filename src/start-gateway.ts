import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { providerModules } from '#providers/provider-modules.ts'
import { type App, type AppDependencies, buildAdminApp, buildApp } from './app.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { Config } from './config.ts'
import { createBusyCount } from './domain/busy-count.ts'
import { systemClock } from './domain/clock.ts'
import type { ProviderAdapter } from './domain/provider-adapter.ts'
import type { Tracer } from './domain/tracer.ts'
import { drainServer } from './drain-server.ts'
import { createGenerationEvents } from './generation/events.ts'
import type { GenerationDependencies } from './generation/generation-dependencies.ts'
import { recordRequests } from './generation/record-requests.ts'
import { MAX_INPUT_IMAGE_BYTES } from './http/limits.ts'
import type { Readiness } from './http/routes/health.ts'
import { createImageFetcher, type ImageFetcher } from './images/fetch-image.ts'
import { DEFAULT_MAX_INPUT_PIXELS, inspectInputImage } from './images/inspect-input-image.ts'
import { createOpenKeptImages } from './images/kept-images.ts'
import { measureFetches } from './images/measure-fetches.ts'
import { prepareImages } from './images/prepare-images.ts'
import { readInputImage } from './images/read-input-image.ts'
import { traceFetches } from './images/trace-images.ts'
import type { Routing } from './routing/routing.ts'
import { startAdapters } from './start-adapters.ts'
import { startAdmission } from './start-admission.ts'
import { startCatalog } from './start-catalog.ts'
import { checkKeyModels, type RunningKeys, startKeys } from './start-keys.ts'
import { type RunningMedia, startMedia } from './start-media.ts'
import { answerCounter, startMetrics, watchParts } from './start-metrics.ts'
import { listen, settleAll } from './start-problems.ts'
import { type RunningRequestLog, startRequestLog } from './start-request-log.ts'
import { startRouting } from './start-routing.ts'
import { startRuns } from './start-runs.ts'
import { startStatus } from './start-status.ts'
import { startTracing, traceImageWork } from './start-tracing.ts'
import { countEvents } from './telemetry/count-events.ts'
import type { Metrics } from './telemetry/create-metrics.ts'
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

/** A gateway that listens. */
export interface RunningGateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  readonly logger: Logger
  /** Ids of the requests that have come and are not done, those that no connection waits for included. */
  underWay(): readonly string[]
  /** Reads the model files again, and goes on with the old ones where something is wrong. True: they were taken in. */
  reload(): Promise<boolean>
  /** Takes no new connections, and requests on others for so many ms (0) at most; finishes what it took, frees everything. */
  close(lastCallMs?: number): Promise<void>
}

interface GenerationParts {
  readonly config: Config
  readonly catalog: Catalog
  readonly adapters: ReadonlyMap<string, ProviderAdapter>
  readonly media: RunningMedia
  readonly logger: Logger
  readonly fetcher: ImageFetcher
  readonly routing: Routing
  readonly keys: Pick<RunningKeys, 'keys' | 'ledger'>
  readonly tracer: Tracer
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')

const createGeneration = (parts: GenerationParts): GenerationDependencies => {
  const { config, catalog, adapters, media, fetcher, routing, logger, tracer } = parts
  const { store, convert, convertInput } = traceImageWork(media.store, tracer)
  const { keys, ledger } = parts.keys
  return {
    catalog,
    adapters,
    routing,
    clock: systemClock,
    events: createGenerationEvents(),
    budgets: { budgetOf: (keyId) => keys.find(keyId)?.budget, ledger },
    tracer,
    convertInput,
    prepareImages: (images, wanted, { signal, measureUpstream, memory }) =>
      prepareImages(images, wanted, {
        store,
        convert,
        signer: media.signer,
        fetcher: measureFetches(fetcher, measureUpstream),
        clock: systemClock,
        mediaTtlMs: config.mediaTtlMs,
        maxImageBytes: MAX_OUTPUT_IMAGE_BYTES,
        retryDelaysMs: FETCH_RETRY_DELAYS_MS.map((delayMs) => delayMs / config.timeScale),
        onNotKept: (error) =>
          logger.warn({ name: nameOf(error) }, 'an answered image could not be kept'),
        signal,
        memory,
      }),
  }
}

const createOpener = (
  { mediaTtlMs }: Config,
  { store, signer }: RunningMedia,
): AppDependencies['openKeptImages'] =>
  createOpenKeptImages({ store, signer, clock: systemClock, mediaTtlMs })

const createFetcher = (config: Config): ImageFetcher =>
  createImageFetcher({
    allowedHosts: config.outboundAllow,
    maxBytes: MAX_OUTPUT_IMAGE_BYTES,
    timeoutMs: IMAGE_FETCH_TIMEOUT_MS / config.timeScale,
  })

const inspectUpload: AppDependencies['inspectImage'] = async (bytes, param) => {
  const limits = { maxBytes: MAX_INPUT_IMAGE_BYTES, maxPixels: DEFAULT_MAX_INPUT_PIXELS }
  const { format, size } = await inspectInputImage(bytes, param, limits)
  return { bytes, format, size }
}

const urlOf = (app: FastifyInstance, host: string): string => {
  const { port } = app.server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Everything that the server is built from, and what has to be ended after it. */
interface GatewayParts {
  readonly app: AppDependencies
  /** Has metrics show what the server is busy with. To be called once. */
  watch(app: App): void
  reload: RunningGateway['reload']
  /** Ends what requests work with, once none is left. */
  release(): Promise<void>
}

/** Has whoever listens told of requests, the request log among them. */
const startLog = (
  config: Config,
  { events }: GenerationDependencies,
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
): RunningRequestLog => {
  const log = startRequestLog(config, logger, metrics)
  logRequestEvents(events, logger)
  countEvents(events, metrics)
  recordRequests(events, log.requestLog)
  return log
}

const createParts = async (
  config: Config,
  logger: Logger,
  readiness: Readiness,
  tracer: Tracer,
): Promise<GatewayParts> => {
  const upstream = createUpstreamTransport()
  const fetcher = traceFetches(createFetcher(config), tracer)
  const calls = createBusyCount()
  const adapters = startAdapters({ config, logger, upstream, calls, tracer })
  const opening = [startMedia(config, logger), startCatalog(config, logger)] as const
  const [media, { catalog, reload }] = await settleAll(opening)
  checkKeyModels(config, catalog)
  const metrics = startMetrics(catalog)
  const admission = startAdmission(config, metrics)
  const { budget, admissions } = admission
  const closing = new AbortController()
  const startingKeys = startKeys(config, { logger, metrics })
  const runningRouting = await startRouting({
    config,
    catalog,
    configuredProviders: new Set(adapters.keys()),
    logger,
    metrics,
    closing: closing.signal,
  })
  const { routing, history } = runningRouting
  const { close: closeKeys, ...runningKeys } = await startingKeys
  const generation = createGeneration({
    keys: runningKeys,
    config,
    catalog,
    adapters,
    media,
    fetcher,
    routing,
    logger,
    tracer,
  })
  const log = startLog(config, generation, { logger, metrics })
  const { requestLog, waiting } = log
  const openKeptImages = createOpener(config, media)
  const providerNames = new Map(providerModules.map(({ id, name }) => [id, name]))
  const {
    drain: drainRuns,
    close: closeRuns,
    isShared,
    webhooksUnderWay,
    ...running
  } = startRuns({ config, generation, requestLog, openKeptImages, providerNames, logger, budget })
  const release = async (): Promise<void> => {
    await drainRuns()
    closing.abort()
    // Adapters may still have jobs to cancel for clients that left; they limit themselves to a few seconds.
    await calls.untilNone()
    await Promise.all([upstream.close(), fetcher.close(), runningRouting.close(), closeRuns()])
    await Promise.all([log.close(), closeKeys()])
    media.close()
    await Promise.all([...adapters.values()].map((adapter) => adapter.close?.()))
  }
  const statusParts = { config, readiness, admission, routing: runningRouting, requestLog: log }
  const app: AppDependencies = {
    generation,
    inspectImage: inspectUpload,
    readImageReference: (reference, param, limits) =>
      readInputImage(reference, param, { ...(config.fetchesInputUrls && { fetcher }), ...limits }),
    media: { store: media.handOuts, signer: media.signer },
    history,
    requestLog,
    ...running,
    admissions,
    openMemory: budget.openAccount,
    openKeptImages,
    providerNames,
    metrics,
    readStatus: startStatus(statusParts),
    onAnswered: answerCounter(metrics),
    logger,
    readiness,
    ...runningKeys,
    requestTimeoutMs: config.requestTimeoutMs,
    asyncTimeoutMs: config.asyncTimeoutMs,
    corsOrigins: config.corsOrigins,
    hasAdminPort: config.adminPort !== 0,
    ...(config.publicBaseUrl && { publicBaseUrl: config.publicBaseUrl }),
  }
  const watch = (server: App): void => {
    const runs = { detached: running.detached, isShared, webhooksUnderWay }
    const parts = { config, generation, runs, requestLog: { waiting }, admission, app: server }
    watchParts(parts, metrics)
  }
  return { app, watch, reload, release }
}

/**
 * Puts the gateway together and listens. Rejects with `ConfigError` or `CatalogError` when it cannot be. `patience`:
 * instead of the usual one.
 */
export const startGateway = async (
  config: Config,
  logger: Logger = createLogger(config.logLevel),
  patience: Pick<AppDependencies, 'stalledAfterMs'> = {},
): Promise<RunningGateway> => {
  const readiness: Readiness = { isReady: false, takesRequests: false }
  const tracing = await startTracing(config, logger)
  const parts = await createParts(config, logger, readiness, tracing.tracer)
  const api = buildApp({ ...parts.app, ...patience })
  parts.watch(api)
  const admin = buildAdminApp(parts.app)
  try {
    await listen(config, { api: api.server, admin })
  } catch (error) {
    await Promise.all([api.server.close(), admin.close()])
    await parts.release()
    await tracing.close()
    throw error
  }
  Object.assign(readiness, { isReady: true, takesRequests: true } satisfies Readiness)
  const close = async (lastCallMs = 0): Promise<void> => {
    await drainServer(api, readiness, lastCallMs)
    await parts.release()
    await admin.close()
    await tracing.close()
  }
  return {
    url: urlOf(api.server, config.host),
    logger,
    underWay: () => [
      ...new Set([api.inFlight, parts.app.detached].flatMap((busy) => busy.names())),
    ],
    reload: parts.reload,
    close,
  }
}
