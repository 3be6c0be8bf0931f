import { Type } from 'typebox'
import { baseUrlSchema } from '#providers/lib/base-url-schema.ts'
import { readSetting } from '#providers/lib/read-setting.ts'
import type { ProviderModule } from '#src/domain/provider-adapter.ts'
import { createVertexAdapter, DEFAULT_LOCATION } from './adapter.ts'
import { classifyError, VERTEX_NAME } from './errors.ts'

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
  isConfigured: (settings) =>
    readSetting(settings.VERTEX_API_KEY) !== undefined ||
    readSetting(settings.VERTEX_PROJECT) !== undefined,
  create: (settings, dependencies) =>
    createVertexAdapter(
      {
        apiKey: readSetting(settings.VERTEX_API_KEY),
        project: readSetting(settings.VERTEX_PROJECT),
        location: readSetting(settings.VERTEX_LOCATION) ?? DEFAULT_LOCATION,
        baseUrl: readSetting(settings.VERTEX_BASE_URL),
      },
      dependencies,
    ),
  classifyError,
}
