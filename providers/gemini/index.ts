import { baseUrlSchema } from '#providers/lib/base-url-schema.ts'
import { readSetting } from '#providers/lib/read-setting.ts'
import type { ProviderModule } from '#src/domain/provider-adapter.ts'
import { Type } from '#src/domain/schema-type.ts'
import { createGeminiAdapter, createGeminiModels, GEMINI_BASE_URL } from './adapter.ts'
import { classifyError, GEMINI_NAME } from './errors.ts'

/** Google's Gemini API, by API key. */
export const providerModule: ProviderModule = {
  id: 'gemini',
  name: GEMINI_NAME,
  configSchema: Type.Object({
    GEMINI_API_KEY: Type.Optional(
      Type.String({ description: 'API key of Google AI Studio; switches Gemini on', secret: true }),
    ),
    GEMINI_BASE_URL: baseUrlSchema('Where the Gemini API is called', GEMINI_BASE_URL),
  }),
  isConfigured: (settings) => readSetting(settings.GEMINI_API_KEY) !== undefined,
  create: (settings, dependencies) =>
    createGeminiAdapter(
      {
        apiKey: readSetting(settings.GEMINI_API_KEY) ?? '',
        baseUrl: readSetting(settings.GEMINI_BASE_URL) ?? GEMINI_BASE_URL,
      },
      dependencies,
    ),
  createModels: (settings, dependencies) => {
    const apiKey = readSetting(settings.GEMINI_API_KEY)
    const baseUrl = readSetting(settings.GEMINI_BASE_URL) ?? GEMINI_BASE_URL
    return apiKey === undefined ? undefined : createGeminiModels({ apiKey, baseUrl }, dependencies)
  },
  classifyError,
}
