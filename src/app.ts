import cors from '@fastify/cors'
import multipart from '@fastify/multipart'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { createConsoleFiles } from './console/console-files.ts'
import type { BusyCount } from './domain/busy-count.ts'
import type { ByteAccount } from './domain/byte-account.ts'
import type { KeyLimiter } from './domain/key-limiter.ts'
import type { KeyRegistry } from './domain/key-registry.ts'
import type { PerformanceHistory } from './domain/provider-stats.ts'
import type { RequestLog } from './domain/request-record.ts'
import type { RunStore } from './domain/run-store.ts'
import type { SpendLedger } from './domain/spending.ts'
import { NO_TRACER } from './domain/tracer.ts'
import type { AcceptedRequests } from './generation/accepted-requests.ts'
import type { GenerationDependencies } from './generation/generation-dependencies.ts'
import type { Admissions } from './http/admission.ts'
import { answerClientError } from './http/client-error-handler.ts'
import type { CheckWebhookUrl } from './http/image-request-reader.ts'
import type { InspectImage, ReadImageReference } from './http/input-pictures.ts'
import { MAX_SMALL_BODY_BYTES } from './http/limits.ts'
import { createPerformanceReader } from './http/performance-reader.ts'
import { registerAdmission } from './http/plugins/admission.ts'
import { registerAuthentication } from './http/plugins/authentication.ts'
import { registerBodySizes } from './http/plugins/body-sizes.ts'
import { registerClientGone } from './http/plugins/client-gone.ts'
import { registerDrain } from './http/plugins/drain.ts'
import { registerErrorHandler, sendError } from './http/plugins/error-handler.ts'
import { registerExpectContinue } from './http/plugins/expect-continue.ts'
import { registerInFlight } from './http/plugins/in-flight.ts'
import { registerOpenApi } from './http/plugins/openapi.ts'
import { registerResponseHeaders } from './http/plugins/response-headers.ts'
import { registerSecurityHeaders, SECURITY_HEADERS } from './http/plugins/security-headers.ts'
import { registerStalledClients } from './http/plugins/stalled-clients.ts'
import { registerTracing } from './http/plugins/tracing.ts'
import { type AnsweredCall, registerTraffic, type Traffic } from './http/plugins/traffic.ts'
import { createHealthOf } from './http/provider-health.ts'
import { chooseRequestId } from './http/request-context.ts'
import { registerBalance } from './http/routes/balance.ts'
import { registerConsole } from './http/routes/console.ts'
import { registerDocs } from './http/routes/docs.ts'
import { type Readiness, registerHealth } from './http/routes/health.ts'
import { registerImagesEdits } from './http/routes/images-edits.ts'
import { registerImagesGenerations } from './http/routes/images-generations.ts'
import { registerKeys } from './http/routes/keys.ts'
import { registerMedia } from './http/routes/media.ts'
import { type MetricsSource, registerMetrics } from './http/routes/metrics.ts'
import { registerModelPage } from './http/routes/model-page.ts'
import { registerModelProviders } from './http/routes/model-providers.ts'
import { registerModelRouting } from './http/routes/model-routing.ts'
import { registerModels } from './http/routes/models.ts'
import { registerOpenApiDocument } from './http/routes/openapi.ts'
import { registerRequests } from './http/routes/requests.ts'
import { type GatewayStatus, registerStatus } from './http/routes/status.ts'
import { registerUsage } from './http/routes/usage.ts'
import type { OpenKeptImages } from './images/kept-images.ts'
import type { MediaStore } from './images/media-store.ts'
import type { MediaSigner } from './images/media-url.ts'

/** Everything that the HTTP server works with. */
export interface AppDependencies {
  readonly generation: GenerationDependencies
  readonly inspectImage: InspectImage
  readonly readImageReference: ReadImageReference
  readonly media: { readonly store: MediaStore; readonly signer: MediaSigner }
  readonly logger: FastifyBaseLogger
  readonly readiness: Readiness
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly keys: KeyRegistry
  /** Counts each key's requests. */
  readonly limiter: KeyLimiter
  /** What keys with a budget have spent. */
  readonly ledger: SpendLedger
  readonly requestLog: RequestLog
  readonly runs: RunStore
  readonly accepted: AcceptedRequests
  /** Lets requests for images in. */
  readonly admissions: Admissions
  /** Counts what a call holds in memory that is no request for images. */
  readonly openMemory: () => ByteAccount
  readonly checkWebhookUrl: CheckWebhookUrl
  readonly openKeptImages: OpenKeptImages
  /** Counts the work that no connection waits for. */
  readonly detached: BusyCount
  readonly history: PerformanceHistory
  readonly metrics: MetricsSource
  /** How the gateway stands now. */
  readonly readStatus: () => GatewayStatus
  /** Told of each call how it was answered; absent: nobody asks. */
  readonly onAnswered?: (call: AnsweredCall) => void
  /** Whether metrics have a port of their own. */
  readonly hasAdminPort: boolean
  readonly requestTimeoutMs: number
  readonly asyncTimeoutMs: number
  /** How long a client may leave its answer unread, in real ms. Absent: a minute. */
  readonly stalledAfterMs?: number
  /** Origins whose pages may call; `*`: all. */
  readonly corsOrigins: readonly string[]
  /** Absent: taken from each request. */
  readonly publicBaseUrl?: string
}

/** Node's own limit of the time that a request's headers take, in ms, and how often it looks. */
const HEADERS_TIMEOUT_MS = 60_000
const CHECKING_INTERVAL_MS = 30_000

/** What a connection takes of an answer before it is waited for, in bytes; Node's own: 64 kB. */
const WRITE_BYTES = 256 * 1024

/** Longest model id in a path; Fastify's own limit of 100 would cut config keys off. */
const MAX_PARAM_CHARACTERS = 512

/** Answer headers that a browser lets its page read. */
const EXPOSED_HEADERS = [
  'x-request-id',
  'openai-processing-ms',
  'retry-after',
  'x-should-retry',
  'location',
  'preference-applied',
  'idempotent-replayed',
  'x-gateway-provider',
  'x-gateway-model',
  'x-gateway-attempts',
  'x-gateway-overhead-ms',
]

/** How long a browser may remember the answer to a preflight, in seconds. */
const PREFLIGHT_S = 7200

/** OpenAI's paths stand under both. */
const PREFIXES = ['/openai/v1', '/v1']

/** The gateway's own paths stand under this alone. */
const NATIVE_PREFIX = '/v1'

const createServer = ({ logger, requestTimeoutMs }: AppDependencies): FastifyInstance =>
  fastify({
    loggerInstance: logger,
    // Telemetry writes one line per request of its own.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_SMALL_BODY_BYTES,
    // A request that has not arrived whole by then could not be answered in time either.
    requestTimeout: requestTimeoutMs,
    http: {
      // Four pieces of a picture go out in one write: a client that is woken for each slows both of us down.
      highWaterMark: WRITE_BYTES,
      // Of two limits Node takes the longer for the whole request.
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: Math.min(CHECKING_INTERVAL_MS, requestTimeoutMs),
    },
    // The drain plugin refuses in the contract's own words.
    return503OnClosing: false,
    genReqId: (request) => chooseRequestId(request.headers['x-request-id']),
    requestIdHeader: false,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS, ignoreTrailingSlash: true },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    // Asked before any hook, and without them.
    frameworkErrors: (error, request, reply) =>
      sendError(error, request, reply.headers(SECURITY_HEADERS)),
    clientErrorHandler: answerClientError,
  })

/** The server, and what it is busy with. */
export interface App {
  readonly server: FastifyInstance
  readonly inFlight: BusyCount
  readonly traffic: Traffic
}

/** What OpenAI has nothing like. */
const registerNative = (app: FastifyInstance, deps: AppDependencies): void => {
  const { generation, history, logger, providerNames, publicBaseUrl, requestLog } = deps
  const { catalog, adapters, routing } = generation
  const configuredProviders = new Set(adapters.keys())
  const performance = createPerformanceReader({ history, clock: routing.clock, logger })
  const models = { catalog, configuredProviders, providerNames, performance }
  const healthOf = createHealthOf({ ...routing, configuredProviders })
  registerModelProviders(app, { ...models, healthOf })
  registerModelPage(app, { ...models, publicBaseUrl })
  registerModelRouting(app, {
    ...generation,
    requestTimeoutMs: deps.requestTimeoutMs,
    providerNames,
    healthOf,
  })
  registerRequests(app, {
    requestLog,
    catalog,
    results: { runs: deps.runs, openKeptImages: deps.openKeptImages },
    openMemory: deps.openMemory,
    publicBaseUrl,
    providerNames,
  })
  registerUsage(app, { requestLog, catalog, providerNames, clock: generation.clock })
  registerBalance(app, { ledger: deps.ledger, clock: generation.clock })
  registerKeys(app, { keys: deps.keys, catalog })
  registerStatus(app, {
    readStatus: deps.readStatus,
    catalog,
    configuredProviders,
    providerNames,
    healthOf,
  })
}

/** What belongs to no version of an API. */
const registerUnprefixed = (app: FastifyInstance, deps: AppDependencies): void => {
  registerHealth(app, deps.readiness)
  if (!deps.hasAdminPort) {
    registerMetrics(app, deps.metrics, { access: 'admin' })
  }
  registerMedia(app, { ...deps.media, clock: deps.generation.clock })
  registerOpenApiDocument(app, deps.generation.catalog)
  registerDocs(app)
  registerConsole(app, {
    readFiles: createConsoleFiles(),
    asksForKeys: () => deps.keys.asksForKeys(),
  })
}

/** Metrics and health for a port of their own, which asks nobody for a key. Not yet listening. */
export const buildAdminApp = ({ metrics, readiness, logger }: AppDependencies): FastifyInstance => {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
  })
  app.decorateRequest('keyId', null)
  app.decorateRequest('apiKey', null)
  app.decorateRequest('trace', null)
  registerStalledClients(app)
  registerErrorHandler(app)
  registerSecurityHeaders(app)
  registerHealth(app, readiness)
  registerMetrics(app, metrics, { access: 'open' })
  return app
}

/** The whole HTTP server, not yet listening. Reads no environment and starts no process. */
export const buildApp = (deps: AppDependencies): App => {
  const { generation, readiness } = deps
  const app = createServer(deps)
  app.removeContentTypeParser('text/plain')
  app.decorateRequest('trace', null)
  app.register(cors, {
    origin: deps.corsOrigins.includes('*') ? '*' : [...deps.corsOrigins],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_S,
    strictPreflight: false,
  })
  app.register(multipart)
  registerStalledClients(app, deps.stalledAfterMs)
  const inFlight = registerInFlight(app)
  const traffic = registerTraffic(app, deps.onAnswered)
  registerErrorHandler(app)
  registerResponseHeaders(app)
  registerSecurityHeaders(app)
  registerClientGone(app)
  registerTracing(app, generation.tracer ?? NO_TRACER)
  registerBodySizes(app, deps.requestLog)
  registerDrain(app, readiness)
  registerAuthentication(app, deps.keys, () => generation.clock.now())
  registerAdmission(app, deps.admissions)
  registerExpectContinue(app)
  registerOpenApi(app, generation.catalog)

  const { catalog } = generation
  const reader = {
    catalog,
    inspectImage: deps.inspectImage,
    readImageReference: deps.readImageReference,
    requestTimeoutMs: deps.requestTimeoutMs,
    asyncTimeoutMs: deps.asyncTimeoutMs,
    checkWebhookUrl: deps.checkWebhookUrl,
  }
  const imageRoutes = {
    generation,
    reader,
    publicBaseUrl: deps.publicBaseUrl,
    providerNames: deps.providerNames,
    runs: deps.runs,
    accepted: deps.accepted,
    requestLog: deps.requestLog,
    openKeptImages: deps.openKeptImages,
    detached: deps.detached,
    limiter: deps.limiter,
  }
  const configuredProviders = new Set(generation.adapters.keys())
  for (const prefix of PREFIXES) {
    app.register(
      async (scope) => {
        registerImagesGenerations(scope, imageRoutes)
        registerImagesEdits(scope, imageRoutes)
        registerModels(scope, { catalog, configuredProviders })
      },
      { prefix },
    )
  }
  app.register(async (scope) => registerNative(scope, deps), { prefix: NATIVE_PREFIX })
  app.register(async (scope) => registerUnprefixed(scope, deps))
  return { server: app, inFlight, traffic }
}
