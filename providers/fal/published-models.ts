import { asProviderError, unreadableAnswer } from '#providers/lib/provider-failure.ts'
import { mayBe, propertyOf, resolvedSchema } from '#providers/lib/resolved-schema.ts'
import { createSingleShot } from '#providers/lib/single-shot-fetch.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import type { ProviderDependencies } from '#src/domain/provider-adapter.ts'
import type { PublishedModel, PublishedModels } from '#src/domain/published-model.ts'
import { endpointIdOf } from './build-request.ts'
import { classifyError, FAL_NAME } from './errors.ts'

/** Where fal serves the OpenAPI document of each endpoint, to everybody; the SDK has no call for it. */
export const FAL_SCHEMA_BASE_URL = 'https://fal.ai'

const PATH = '/api/openapi/queue/openapi.json'

/** Reads fal's documents; no key is needed, and none is sent. */
export const createFalModels = (
  baseUrl: string,
  dependencies: ProviderDependencies,
): PublishedModels => ({
  read: async (providerModelId, signal) => {
    const shot = createSingleShot({ dependencies, signal })
    try {
      const url = new URL(`${baseUrl.replace(/\/+$/, '')}${PATH}`)
      url.searchParams.set('endpoint_id', endpointIdOf(providerModelId))
      const document: unknown = await (await shot.fetch(url)).json()
      if (!isJsonObject(document)) throw unreadableAnswer(FAL_NAME, false)
      return readDocument(document)
    } catch (error) {
      if (shot.failure()?.status === 404) return undefined
      throw asProviderError(FAL_NAME, error, classifyError, shot)
    }
  },
})

/** `/fal-ai/flux/schnell` → `~1fal-ai~1flux~1schnell`, as a pointer has it. */
const token = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

/** Where the schema of what is sent stands; the other paths are of the queue. */
const inputPointer = (paths: JsonObject): string | undefined => {
  const path = Object.keys(paths).find((key) => {
    const { post } = paths[key] as JsonObject
    return isJsonObject(post) && isJsonObject(post.requestBody)
  })
  return path && `#/paths/${token(path)}/post/requestBody/${JSON_SCHEMA}`
}

const outputPointer = (paths: JsonObject): string | undefined => {
  const path = Object.keys(paths).find((key) => /\/requests\/\{\w+\}$/.test(key))
  return path && `#/paths/${token(path)}/get/responses/200/${JSON_SCHEMA}`
}

const JSON_SCHEMA = 'content/application~1json/schema'

const readDocument = (document: JsonObject): PublishedModel => {
  const { paths } = document
  if (!isJsonObject(paths)) throw unreadableAnswer(FAL_NAME, false)
  const [asked, answered] = [inputPointer(paths), outputPointer(paths)]
  const input = asked === undefined ? undefined : resolvedSchema(document, asked)
  const output = answered === undefined ? undefined : resolvedSchema(document, answered)
  if (!input) throw unreadableAnswer(FAL_NAME, false)
  return { input, problems: output && !hasPictures(output) ? [NO_PICTURES] : [] }
}

const NO_PICTURES = 'answers neither images[].url nor image.url'

/** As `readResponse` reads it. */
const hasPictures = (output: JsonObject): boolean => {
  const images = propertyOf(output, 'images')
  const isList = images !== undefined && mayBe(images, 'array') && isPicture(images.items)
  return isList || isPicture(propertyOf(output, 'image'))
}

const isPicture = (schema: JsonValue | undefined): boolean =>
  mayBe(propertyOf(schema, 'url'), 'string')
