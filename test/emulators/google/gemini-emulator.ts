import type { EmulatorContext, ProviderDefinition } from '#test/emulators/create-emulator.ts'
import { EMULATOR_KEYS } from '#test/emulators/emulator.ts'
import { jsonReply, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { type GoogleSurface, handleGenerate } from './generate-handler.ts'
import {
  badKey,
  dayQuotaSpent,
  geminiErrors,
  googleError,
  minuteQuotaSpent,
  missingKey,
} from './google-errors.ts'
import { GOOGLE_MODELS } from './google-models.ts'
import { geminiModel, listPage } from './model-lists.ts'
import { GEMINI_RULES } from './surface-rules.ts'

const SERVICE = 'generativelanguage.googleapis.com'
/** Inline data per request, raised from 20 MB in January 2026 (https://ai.google.dev/gemini-api/docs/changelog). */
const MAX_REQUEST_BYTES = 100 * 1024 * 1024

const refuseCaller = (request: WireRequest): WireReply | undefined => {
  const key = request.headers['x-goog-api-key'] ?? request.query.get('key')
  if (!key) return missingKey()
  return key === EMULATOR_KEYS.gemini ? undefined : badKey(SERVICE)
}

const unknownModel = (request: WireRequest, method: string): WireReply => {
  const model = `models/${request.parameters.model}`
  const support = method ? `, or is not supported for ${method}` : ''
  return googleError(
    'NOT_FOUND',
    `${model} is not found for API version v1beta${support}. ` +
      'Call ListModels to see the list of available models and their supported methods.',
  )
}

const createSurface = (context: EmulatorContext): GoogleSurface => ({
  rules: GEMINI_RULES,
  limits: { requestBytes: MAX_REQUEST_BYTES, fileUriPrefixes: ['http://', 'https://'] },
  errors: geminiErrors,
  isVertex: false,
  refuseCaller,
  unknownModel,
  quotaReply(fault, request) {
    const model = request.parameters.model ?? ''
    if (fault === 'bad_key') return badKey(SERVICE)
    if (fault === 'quota_exhausted') return dayQuotaSpent(model)
    if (fault === 'rate_limited_with_hint') {
      return minuteQuotaSpent(model, context.retryAfterSeconds())
    }
    return undefined
  },
})

const describeModel = (request: WireRequest): WireReply => {
  const refused = refuseCaller(request)
  if (refused) return refused
  const id = request.parameters.model ?? ''
  return GOOGLE_MODELS[id] ? jsonReply(200, geminiModel(id)) : unknownModel(request, '')
}

const listModels = (request: WireRequest): WireReply =>
  refuseCaller(request) ?? listPage(request, 'models', Object.keys(GOOGLE_MODELS).map(geminiModel))

/** The Gemini API, version v1beta. */
export const geminiEmulator: ProviderDefinition = {
  id: 'gemini',
  errors: geminiErrors,
  notFound: () => googleError('NOT_FOUND', 'Requested entity was not found.'),
  routes: (context) => [
    {
      method: 'POST',
      pattern:
        /^\/v1beta\/models\/(?<model>[^/:]+):(?<method>generateContent|streamGenerateContent)$/,
      kind: 'create',
      handle: handleGenerate(context, createSurface(context)),
    },
    { method: 'GET', pattern: /^\/v1beta\/models$/, kind: 'other', handle: listModels },
    {
      method: 'GET',
      pattern: /^\/v1beta\/models\/(?<model>[^/:]+)$/,
      kind: 'other',
      handle: describeModel,
    },
  ],
}
