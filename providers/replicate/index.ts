import { baseUrlSchema } from '#providers/lib/base-url-schema.ts'
import { readSetting } from '#providers/lib/read-setting.ts'
import type { ProviderModule } from '#src/domain/provider-adapter.ts'
import { Type } from '#src/domain/schema-type.ts'
import { createReplicateAdapter, REPLICATE_BASE_URL } from './adapter.ts'
import { classifyError, REPLICATE_NAME } from './errors.ts'
import { createReplicateModels } from './published-models.ts'

/** Replicate, through its predictions. */
export const providerModule: ProviderModule = {
  id: 'replicate',
  name: REPLICATE_NAME,
  configSchema: Type.Object({
    REPLICATE_API_TOKEN: Type.Optional(
      Type.String({ description: 'API token of Replicate; switches Replicate on', secret: true }),
    ),
    REPLICATE_BASE_URL: baseUrlSchema('Where Replicate is called', REPLICATE_BASE_URL),
  }),
  isConfigured: (settings) => readSetting(settings.REPLICATE_API_TOKEN) !== undefined,
  create: (settings, dependencies) =>
    createReplicateAdapter(
      {
        token: readSetting(settings.REPLICATE_API_TOKEN) ?? '',
        baseUrl: readSetting(settings.REPLICATE_BASE_URL) ?? REPLICATE_BASE_URL,
      },
      dependencies,
    ),
  createModels: (settings, dependencies) => {
    const token = readSetting(settings.REPLICATE_API_TOKEN)
    const baseUrl = readSetting(settings.REPLICATE_BASE_URL) ?? REPLICATE_BASE_URL
    return token === undefined ? undefined : createReplicateModels({ token, baseUrl }, dependencies)
  },
  classifyError,
}
