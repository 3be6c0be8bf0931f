import { baseUrlSchema } from '#providers/lib/base-url-schema.ts'
import { readSetting } from '#providers/lib/read-setting.ts'
import type { ProviderModule } from '#src/domain/provider-adapter.ts'
import { Type } from '#src/domain/schema-type.ts'
import {
  createVertexAdapter,
  createVertexModels,
  DEFAULT_LOCATION,
  type VertexSettings,
} from './adapter.ts'
import { classifyError, VERTEX_NAME } from './errors.ts'

type Variables = Readonly<Record<string, string | undefined>>

const readSettings = (variables: Variables): VertexSettings => ({
  apiKey: readSetting(variables['VERTEX_API_KEY']),
  project: readSetting(variables['VERTEX_PROJECT']),
  location: readSetting(variables['VERTEX_LOCATION']) ?? DEFAULT_LOCATION,
  baseUrl: readSetting(variables['VERTEX_BASE_URL']),
})

const isConfigured = (variables: Variables): boolean => {
  const { apiKey, project } = readSettings(variables)
  return apiKey !== undefined || project !== undefined
}

/** Google's Vertex AI, by express key or by project and Application Default Credentials. */
export const providerModule: ProviderModule = {
  id: 'vertex',
  name: VERTEX_NAME,
  configSchema: Type.Object({
    VERTEX_PROJECT: Type.Optional(
      Type.String({
        description:
          'Google Cloud project, called with Application Default Credentials; switches Vertex AI on',
      }),
    ),
    VERTEX_LOCATION: Type.Optional(
      Type.String({
        description: 'Google Cloud location',
        pattern: '^[a-z0-9-]+$',
        default: DEFAULT_LOCATION,
      }),
    ),
    VERTEX_API_KEY: Type.Optional(
      Type.String({
        description: 'Express-mode API key, used instead of a project; switches Vertex AI on',
        secret: true,
      }),
    ),
    VERTEX_BASE_URL: baseUrlSchema('Where Vertex AI is called; left out, the host of the location'),
  }),
  isConfigured,
  create: (settings, dependencies) => createVertexAdapter(readSettings(settings), dependencies),
  createModels: (settings, dependencies) =>
    isConfigured(settings) ? createVertexModels(readSettings(settings), dependencies) : undefined,
  classifyError,
}
