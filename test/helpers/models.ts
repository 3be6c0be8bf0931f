import { readFileSync } from 'node:fs'
import { createCatalog } from '#src/catalog/catalog.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { ModelFile } from '#src/domain/model-card.ts'

const folder = new URL('../../src/catalog/models/', import.meta.url)

/** The first model's file, parsed afresh, so that a test may change it. */
export const readFirstModelFile = (): ModelFile =>
  JSON.parse(
    readFileSync(new URL('google--gemini-3.1-flash-image-preview.json', folder), 'utf8'),
  ) as ModelFile

export const FIRST_MODEL = 'gemini-3.1-flash-image-preview'

/** A catalogue of the first model alone. */
export const createFirstCatalog = () => createCatalog([readFirstModelFile()])

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
