import {
  checkFields,
  type FieldProblem,
  type FieldRule,
  isObject,
} from '#test/emulators/field-rules.ts'
import {
  type InputPicture,
  InputPictureError,
  loadInputPicture,
} from '#test/emulators/input-picture.ts'
import type { PictureFormat } from '#test/emulators/picture.ts'
import {
  ASPECT_RATIOS,
  type AspectRatio,
  nearestAspectRatio,
} from '#test/emulators/picture-sizes.ts'
import { type FalErrorDetail, type FalFailure, modelFailure } from './fal-errors.ts'

/**
 * Inputs of fal-ai/nano-banana-2 (fal-ai/fal-js `libs/client/src/types/endpoints.ts`, August 2026). fal marks most of
 * them optional; defaults are filled in by `readFalOrder`.
 */
const TEXT_TO_IMAGE: Readonly<Record<string, FieldRule>> = {
  prompt: { type: 'string', isRequired: true },
  aspect_ratio: { type: 'one_of', values: ['auto', ...ASPECT_RATIOS] },
  resolution: { type: 'one_of', values: ['0.5K', '1K', '2K', '4K'] },
  num_images: { type: 'integer', minimum: 1, maximum: 4 },
  output_format: { type: 'one_of', values: ['jpeg', 'png', 'webp'] },
  seed: { type: 'integer' },
  safety_tolerance: { type: 'one_of', values: ['1', '2', '3', '4', '5', '6'] },
  enable_web_search: { type: 'boolean' },
  limit_generations: { type: 'boolean' },
  sync_mode: { type: 'boolean' },
  system_prompt: { type: 'string' },
  thinking_level: { type: 'one_of', values: ['minimal', 'high'] },
}

/** The number of images is the model's own limit; fal prints none. */
const EDIT: Readonly<Record<string, FieldRule>> = {
  ...TEXT_TO_IMAGE,
  image_urls: { type: 'strings', maxItems: 14 },
  video_url: { type: 'string' },
  audio_url: { type: 'string' },
  pdf_url: { type: 'string' },
}

/** The endpoints served here with their inputs; the alias of the preview's name has the same schema. */
export const FAL_ENDPOINTS: Readonly<Record<string, Readonly<Record<string, FieldRule>>>> = {
  'fal-ai/nano-banana-2': TEXT_TO_IMAGE,
  'fal-ai/nano-banana-2/edit': EDIT,
  'fal-ai/gemini-3.1-flash-image-preview': TEXT_TO_IMAGE,
  'fal-ai/gemini-3.1-flash-image-preview/edit': EDIT,
}

/** A request that the model would work on. */
export interface FalOrder {
  readonly prompt: string
  readonly inputs: readonly InputPicture[]
  readonly ratio: AspectRatio
  readonly resolution: string
  readonly count: number
  readonly format: PictureFormat
  readonly seed: number
  readonly isInline: boolean
}

/** fal validates with pydantic; its texts, with fal's own `type` where fal documents one. */
const describe = ({ field, kind, value, rule }: FieldProblem): FalErrorDetail => {
  const place = { loc: ['body', field], input: value }
  const limits = rule?.type === 'integer' ? rule : undefined
  switch (kind) {
    case 'missing':
      return { loc: ['body', field], msg: 'Field required', type: 'missing' }
    case 'not_one_of': {
      const expected = rule?.type === 'one_of' ? rule.values : []
      return {
        ...place,
        msg: `Input should be one of: ${expected.join(', ')}`,
        type: 'one_of',
        ctx: { expected },
      }
    }
    case 'too_small':
      return {
        ...place,
        msg: `Input should be greater than or equal to ${limits?.minimum}`,
        type: 'greater_than_equal',
        ctx: { ge: limits?.minimum },
      }
    case 'too_large':
      return {
        ...place,
        msg: `Input should be less than or equal to ${limits?.maximum}`,
        type: 'less_than_equal',
        ctx: { le: limits?.maximum },
      }
    case 'too_many':
      return { ...place, msg: 'List has too many items', type: 'too_long' }
    case 'unknown':
      return { ...place, msg: 'Extra inputs are not permitted', type: 'extra_forbidden' }
    case 'wrong_type':
      return { ...place, msg: `Input should be a valid ${rule?.type}`, type: 'value_error' }
  }
}

const loadAll = async (urls: readonly string[]): Promise<InputPicture[] | FalFailure> => {
  const loaded = await Promise.all(
    urls.map((url, index) =>
      loadInputPicture(url).catch((error: unknown) => {
        if (!(error instanceof InputPictureError)) throw error
        const type = error.reason === 'download' ? 'file_download_error' : 'image_load_error'
        const msg =
          error.reason === 'download'
            ? 'Failed to download the file. Please check that the URL is accessible.'
            : 'Failed to load the image. Please make sure that it is a valid image file.'
        return modelFailure([{ loc: ['body', 'image_urls', index], msg, type, input: url }])
      }),
    ),
  )
  const failure = loaded.find((each) => 'reply' in each)
  return failure && 'reply' in failure ? failure : (loaded as InputPicture[])
}

const hasMedia = (input: Readonly<Record<string, unknown>>): boolean =>
  ['image_urls', 'video_url', 'audio_url', 'pdf_url'].some((field) => input[field] !== undefined)

const findProblems = (
  endpoint: string,
  input: Readonly<Record<string, unknown>>,
  rejectsUnknown: boolean,
): FieldProblem[] => {
  const rules = FAL_ENDPOINTS[endpoint] ?? {}
  const problems = checkFields(input, rules).filter(
    ({ kind }) => rejectsUnknown || kind !== 'unknown',
  )
  if ('image_urls' in rules && !hasMedia(input)) {
    problems.push({ field: 'image_urls', kind: 'missing', value: undefined })
  }
  return problems
}

/** Checks an input as the model does and loads its images; the failure that the job ends with otherwise. */
export const readFalOrder = async (
  endpoint: string,
  body: unknown,
  rejectsUnknown: boolean,
): Promise<FalOrder | FalFailure> => {
  const input = isObject(body) ? body : {}
  const problems = findProblems(endpoint, input, rejectsUnknown)
  if (problems.length > 0) return modelFailure(problems.map(describe))
  const takesImages = 'image_urls' in (FAL_ENDPOINTS[endpoint] ?? {})
  const inputs = await loadAll(((takesImages && input.image_urls) || []) as string[])
  if (!Array.isArray(inputs)) return inputs
  const wanted = input.aspect_ratio ?? 'auto'
  const last = inputs.at(-1)
  const automatic = last ? nearestAspectRatio(last) : '1:1'
  return {
    prompt: String(input.prompt),
    inputs,
    ratio: wanted === 'auto' ? automatic : (wanted as AspectRatio),
    resolution: String(input.resolution ?? '1K'),
    count: Number(input.num_images ?? 1),
    format: (input.output_format ?? 'png') as PictureFormat,
    seed: Number(input.seed ?? 0),
    isInline: input.sync_mode === true,
  }
}
