import type { EmulatorContext, ProviderDefinition } from '#test/emulators/create-emulator.ts'
import { EMULATED_VERTEX_BEARER, EMULATOR_KEYS } from '#test/emulators/emulator.ts'
import { jsonReply, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { type GoogleSurface, handleGenerate } from './generate-handler.ts'
import {
  badBearer,
  badKey,
  billingDisabled,
  googleError,
  missingKey,
  vertexErrors,
  vertexRateLimitedWithHint,
} from './google-errors.ts'
import { GOOGLE_MODELS } from './google-models.ts'
import { listPage, publisherModel } from './model-lists.ts'
import type { ServiceAccounts } from './service-accounts.ts'
import { VERTEX_RULES } from './surface-rules.ts'

const SERVICE = 'aiplatform.googleapis.com'
/**
 * 7 MB for one inline file, 500 MB for a request
 * (https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/3-1-flash-image). What is answered beyond
 * them is on record nowhere but for the status 400.
 */
const LIMITS = {
  fileBytes: 7 * 1024 * 1024,
  requestBytes: 500 * 1024 * 1024,
  fileUriPrefixes: ['http://', 'https://'],
}

/** Express mode sends an API key and no project; project mode a bearer token. */
const refuseCaller =
  (accounts: ServiceAccounts) =>
  (request: WireRequest): WireReply | undefined => {
    const key = request.headers['x-goog-api-key'] ?? request.query.get('key')
    if (request.parameters.project === undefined && key) {
      return key === EMULATOR_KEYS.vertex ? undefined : badKey(SERVICE)
    }
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (bearer === undefined) {
      return request.parameters.project === undefined ? missingKey() : badBearer()
    }
    const isKnown = bearer === EMULATED_VERTEX_BEARER || accounts.hasIssued(bearer)
    return isKnown ? undefined : badBearer()
  }

const modelPath = ({ parameters }: WireRequest): string => {
  const { project, location, model } = parameters
  const prefix = project === undefined ? '' : `projects/${project}/locations/${location}/`
  return `${prefix}publishers/google/models/${model}`
}

const unknownModel = (request: WireRequest): WireReply =>
  googleError(
    'NOT_FOUND',
    `Publisher Model \`${modelPath(request)}\` was not found or your project does not have access to it. ` +
      'Please ensure you are using a valid model version.',
  )

const createSurface = (context: EmulatorContext, accounts: ServiceAccounts): GoogleSurface => ({
  rules: VERTEX_RULES,
  limits: LIMITS,
  errors: vertexErrors,
  isVertex: true,
  refuseCaller: refuseCaller(accounts),
  unknownModel,
  quotaReply(fault, request) {
    if (fault === 'bad_key') {
      return request.parameters.project === undefined ? badKey(SERVICE) : badBearer()
    }
    if (fault === 'quota_exhausted') return billingDisabled(request.parameters.project ?? '1')
    if (fault === 'rate_limited_with_hint') {
      return vertexRateLimitedWithHint(context.retryAfterSeconds())
    }
    return undefined
  },
})

const PREFIX = '^/v1(?:beta1)?/(?:projects/(?<project>[^/]+)/locations/(?<location>[^/]+)/)?'
const MODEL = 'publishers/google/models/(?<model>[^/:]+)'

/** The image models are served in the location `global` only; elsewhere they are unknown. */
const onlyGlobal =
  (handle: (request: WireRequest) => WireReply | Promise<WireReply>) => (request: WireRequest) =>
    (request.parameters.location ?? 'global') === 'global' ? handle(request) : unknownModel(request)

/** Vertex AI (also called Agent Platform), with an OAuth token endpoint beside it. */
export const createVertexEmulator = (accounts: ServiceAccounts): ProviderDefinition => ({
  id: 'vertex',
  errors: vertexErrors,
  notFound: () => googleError('NOT_FOUND', 'Requested entity was not found.'),
  routes(context) {
    const surface = createSurface(context, accounts)
    const describeModel = (request: WireRequest): WireReply => {
      const refused = surface.refuseCaller(request)
      if (refused) return refused
      if (!GOOGLE_MODELS[request.parameters.model ?? '']) return unknownModel(request)
      return jsonReply(200, publisherModel(request.parameters.model ?? ''))
    }
    const listModels = (request: WireRequest): WireReply =>
      surface.refuseCaller(request) ??
      listPage(request, 'publisherModels', Object.keys(GOOGLE_MODELS).map(publisherModel))
    return [
      {
        method: 'POST',
        pattern: new RegExp(`${PREFIX}${MODEL}:(?<method>generateContent|streamGenerateContent)$`),
        kind: 'create',
        handle: onlyGlobal(handleGenerate(context, surface)),
      },
      {
        method: 'GET',
        pattern: new RegExp(`${PREFIX}${MODEL}$`),
        kind: 'other',
        handle: onlyGlobal(describeModel),
      },
      // Has neither project nor location, and version v1 does not have it.
      {
        method: 'GET',
        pattern: /^\/v1beta1\/publishers\/google\/models$/,
        kind: 'other',
        handle: listModels,
      },
      { method: 'POST', pattern: /^\/token$/, kind: 'token', handle: accounts.handleToken },
    ]
  },
})
