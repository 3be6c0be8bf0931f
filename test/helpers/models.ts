import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createCatalog } from '#src/catalog/catalog.ts'
import { readModel, readModelFiles } from '#src/catalog/model-files.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { ModelFile } from '#src/domain/model-file.ts'

const folder = new URL('../../src/catalog/models/', import.meta.url)

/** The first model's file in full, parsed afresh, so that a test may change it. */
export const readFirstModelFile = (): ModelFile => {
  const text = readFileSync(new URL('google--gemini-3.1-flash-image-preview.json', folder), 'utf8')
  const { file, problems } = readModel(JSON.parse(text))
  if (!file) throw new Error(problems.join('\n'))
  return file
}

export const FIRST_MODEL = 'gemini-3.1-flash-image-preview'

/** A catalogue of the first model alone. */
export const createFirstCatalog = () => createCatalog([readFirstModelFile()])

/** The models that come with the gateway, in full. */
export const readAllModelFiles = () => readModelFiles([fileURLToPath(folder)])

/** A catalogue of all models that come with the gateway. */
export const createWholeCatalog = async () => createCatalog(await readAllModelFiles())

export const ALL_PROVIDERS: ReadonlySet<string> = new Set(['gemini', 'vertex', 'fal', 'replicate'])

/** A text-to-image request of the first model. */
export const imageRequest = (part: Partial<ImageRequest> = {}): ImageRequest => ({
  id: 'req_test',
  endpoint: '/openai/v1/images/generations',
  mode: 'text_to_image',
  requestedModel: FIRST_MODEL,
  parameters: { prompt: 'a lighthouse' },
  images: [],
  routing: {},
  isStrict: false,
  warnings: [],
  timeoutMs: 10_000,
  signal: new AbortController().signal,
  ...part,
})
