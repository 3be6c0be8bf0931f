import multipart from '@fastify/multipart'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { GenerationDependencies } from './generation/generation-dependencies.ts'
import { answerClientError } from './http/client-error-handler.ts'
import type { InspectImage, ReadImageReference } from './http/image-request-reader.ts'
import { MAX_JSON_BODY_BYTES } from './http/limits.ts'
import { registerAuthentication } from './http/plugins/authentication.ts'
import { registerClientGone } from './http/plugins/client-gone.ts'
import { registerErrorHandler, sendError } from './http/plugins/error-handler.ts'
import { type InFlight, registerInFlight } from './http/plugins/in-flight.ts'
import { registerResponseHeaders } from './http/plugins/response-headers.ts'
import { chooseRequestId } from './http/request-context.ts'
import { type Readiness, registerHealth } from './http/routes/health.ts'
import { registerImagesEdits } from './http/routes/images-edits.ts'
import { registerImagesGenerations } from './http/routes/images-generations.ts'
import { registerMedia } from './http/routes/media.ts'
import { registerModels } from './http/routes/models.ts'
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
  /** SHA-256 of each key that is let in; empty: no key is asked for. */
  readonly keyHashes: readonly Buffer[]
  readonly requestTimeoutMs: number
  /** Absent: taken from each request. */
  readonly publicBaseUrl?: string
}

/** Longest model id in a path; Fastify's own limit of 100 would cut config keys off. */
const MAX_PARAM_CHARACTERS = 512

/** OpenAI's paths stand under both. */
const PREFIXES = ['/openai/v1', '/v1']

const createServer = (logger: FastifyBaseLogger): FastifyInstance =>
  fastify({
    loggerInstance: logger,
    // Telemetry writes one line per request of its own.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_JSON_BODY_BYTES,
    genReqId: (request) => chooseRequestId(request.headers['x-request-id']),
    requestIdHeader: false,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS, ignoreTrailingSlash: true },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    frameworkErrors: sendError,
    clientErrorHandler: answerClientError,
  })

/** The server, and what it is busy with. */
export interface App {
  readonly server: FastifyInstance
  readonly inFlight: InFlight
}

/** The whole HTTP server, not yet listening. Reads no environment and starts no process. */
export const buildApp = (deps: AppDependencies): App => {
  const { generation, readiness } = deps
  const app = createServer(deps.logger)
  app.removeContentTypeParser('text/plain')
  app.decorateRequest('trace', null)
  app.register(multipart)
  const inFlight = registerInFlight(app)
  registerErrorHandler(app)
  registerResponseHeaders(app)
  registerClientGone(app)
  registerAuthentication(app, deps.keyHashes)
  registerHealth(app, readiness)
  registerMedia(app, { ...deps.media, clock: generation.clock })

  const { catalog } = generation
  const reader = {
    catalog,
    inspectImage: deps.inspectImage,
    readImageReference: deps.readImageReference,
    requestTimeoutMs: deps.requestTimeoutMs,
  }
  const imageRoutes = {
    generation,
    reader,
    publicBaseUrl: deps.publicBaseUrl,
    providerNames: deps.providerNames,
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
  return { server: app, inFlight }
}
