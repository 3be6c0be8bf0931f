import { baseUrlSchema } from '#providers/lib/base-url-schema.ts'
import { readSetting } from '#providers/lib/read-setting.ts'
import type { ProviderModule } from '#src/domain/provider-adapter.ts'
import { Type } from '#src/domain/schema-type.ts'
import { createFalAdapter, FAL_BASE_URL } from './adapter.ts'
import { classifyError, FAL_NAME } from './errors.ts'
import { createFalModels, FAL_SCHEMA_BASE_URL } from './published-models.ts'

/** fal.ai, through its queue. */
export const providerModule: ProviderModule = {
  id: 'fal',
  name: FAL_NAME,
  configSchema: Type.Object({
    FAL_KEY: Type.Optional(
      Type.String({ description: 'API key of fal.ai; switches fal on', secret: true }),
    ),
    FAL_BASE_URL: baseUrlSchema("Where fal's queue is called", FAL_BASE_URL),
    FAL_SCHEMA_BASE_URL: baseUrlSchema(
      'Where `npm run catalog:check` reads the schemas of its models',
      FAL_SCHEMA_BASE_URL,
    ),
  }),
  isConfigured: (settings) => readSetting(settings.FAL_KEY) !== undefined,
  create: (settings, dependencies) =>
    createFalAdapter(
      {
        key: readSetting(settings.FAL_KEY) ?? '',
        baseUrl: readSetting(settings.FAL_BASE_URL) ?? FAL_BASE_URL,
      },
      dependencies,
    ),
  createModels: (settings, dependencies) =>
    createFalModels(readSetting(settings.FAL_SCHEMA_BASE_URL) ?? FAL_SCHEMA_BASE_URL, dependencies),
  classifyError,
}
