import Replicate from 'replicate'
import { asProviderError, unreadableAnswer } from '#providers/lib/provider-failure.ts'
import { mayBe, resolvedSchema } from '#providers/lib/resolved-schema.ts'
import { createSingleShot } from '#providers/lib/single-shot-fetch.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { ProviderDependencies } from '#src/domain/provider-adapter.ts'
import type { PublishedModel, PublishedModels } from '#src/domain/published-model.ts'
import type { ReplicateSettings } from './adapter.ts'
import { targetOf } from './build-request.ts'
import { classifyError, REPLICATE_NAME } from './errors.ts'

/** Reads the models' latest versions, or the version that an id names. */
export const createReplicateModels = (
  settings: ReplicateSettings,
  dependencies: ProviderDependencies,
): PublishedModels => ({
  read: async (providerModelId, signal) => {
    const shot = createSingleShot({ dependencies, signal })
    const client = new Replicate({
      auth: settings.token,
      baseUrl: settings.baseUrl,
      fetch: shot.fetch,
      useFileOutput: false,
    })
    try {
      return readVersion(await askFor(client, providerModelId))
    } catch (error) {
      if (shot.failure()?.status === 404) return undefined
      throw asProviderError(REPLICATE_NAME, error, classifyError, shot)
    }
  },
})

const askFor = async (client: Replicate, providerModelId: string): Promise<unknown> => {
  const { version } = targetOf(providerModelId)
  const [owner = '', name = ''] = (providerModelId.split(':')[0] ?? '').split('/')
  if (version !== undefined) return client.models.versions.get(owner, name, version)
  return (await client.models.get(owner, name)).latest_version
}

const readVersion = (version: unknown): PublishedModel => {
  const document = isJsonObject(version) ? version.openapi_schema : undefined
  if (!isJsonObject(document)) throw unreadableAnswer(REPLICATE_NAME, false)
  const input = resolvedSchema(document, '#/components/schemas/Input')
  const output = resolvedSchema(document, '#/components/schemas/Output')
  if (!input) throw unreadableAnswer(REPLICATE_NAME, false)
  return { input, problems: output && !isUrls(output) ? [NO_PICTURES] : [] }
}

const NO_PICTURES = 'answers neither a URL nor a list of URLs'

/** As `readResponse` reads it. */
const isUrls = (output: JsonObject): boolean =>
  mayBe(output, 'string') || (mayBe(output, 'array') && mayBe(output.items, 'string'))
