import {
  boundOf,
  checkFields,
  type FieldProblem,
  type FieldProblemKind,
  type FieldRules,
  isObject,
  knownFields,
  textsOf,
  uriFields,
} from '#test/emulators/field-rules.ts'
import {
  type InputPicture,
  InputPictureError,
  loadInputPicture,
} from '#test/emulators/input-picture.ts'
import type { PictureFormat } from '#test/emulators/picture.ts'
import type { PictureSize } from '#test/emulators/picture-sizes.ts'
import { MEGAPIXEL } from '#test/emulators/pixel-tables.ts'
import { seriesLength } from '#test/emulators/series-length.ts'
import { sizeOf } from '#test/emulators/sizing.ts'
import { type FalErrorDetail, type FalFailure, modelFailure } from './fal-errors.ts'
import type { FalModel } from './fal-model.ts'

/** A request that the model would work on. */
export interface FalOrder {
  readonly prompt: string
  readonly inputs: readonly InputPicture[]
  readonly size: PictureSize
  readonly count: number
  readonly format: PictureFormat
  /** Absent: the model takes one of its own. */
  readonly seed?: number
  readonly isInline: boolean
  /** What one image counts on the bill. */
  readonly unitsPerImage: number
}

type Input = Readonly<Record<string, unknown>>

/** Type, text and name of the bound in `ctx`, as pydantic has them; `#` stands for the bound. */
const BOUND_PROBLEMS: Readonly<
  Partial<Record<FieldProblemKind, readonly [string, string, string]>>
> = {
  too_small: ['greater_than_equal', 'Input should be greater than or equal to #', 'ge'],
  too_large: ['less_than_equal', 'Input should be less than or equal to #', 'le'],
  not_above: ['greater_than', 'Input should be greater than #', 'gt'],
  too_short: ['string_too_short', 'String should have at least # characters', 'min_length'],
  too_long: ['string_too_long', 'String should have at most # characters', 'max_length'],
  too_many: ['too_long', 'List should have at most # items', 'max_length'],
}

const nameProblem = (problem: FieldProblem): Pick<FalErrorDetail, 'msg' | 'type' | 'ctx'> => {
  const bound = boundOf(problem)
  const [type, text, key] = BOUND_PROBLEMS[problem.kind] ?? []
  if (type !== undefined && text !== undefined && key !== undefined) {
    return { type, msg: text.replace('#', String(bound)), ctx: { [key]: bound } }
  }
  if (problem.kind === 'unknown') {
    return { type: 'extra_forbidden', msg: 'Extra inputs are not permitted' }
  }
  return problem.kind === 'bad_size'
    ? { type: 'value_error', msg: 'Value error, the size is outside of the limits' }
    : { type: 'value_error', msg: `Input should be a valid ${problem.rule?.type}` }
}

/** fal validates with pydantic; its texts, with fal's own `type` where fal documents one. */
const describe = (problem: FieldProblem): FalErrorDetail => {
  const { field, kind, value, rule } = problem
  const loc = ['body', field]
  if (kind === 'missing') return { loc, msg: 'Field required', type: 'missing' }
  if (kind !== 'not_one_of') return { loc, input: value, ...nameProblem(problem) }
  const expected = rule?.type === 'one_of' ? rule.values : rule?.type === 'size' ? rule.names : []
  const msg = `Input should be one of: ${expected.join(', ')}`
  return { loc, input: value, msg, type: 'one_of', ctx: { expected } }
}

const loadOne = async (url: string, loc: readonly (string | number)[]) => {
  try {
    return await loadInputPicture(url)
  } catch (error) {
    if (!(error instanceof InputPictureError)) throw error
    const type = error.reason === 'download' ? 'file_download_error' : 'image_load_error'
    const msg =
      error.reason === 'download'
        ? 'Failed to download the file. Please check that the URL is accessible.'
        : 'Failed to load the image. Please make sure that it is a valid image file.'
    return modelFailure([{ loc, msg, type, input: url }])
  }
}

/** Masks are decoded like every picture, but are nothing to draw from. */
const isMask = (field: string): boolean => field.startsWith('mask')

const loadAll = async (input: Input, fields: FieldRules): Promise<InputPicture[] | FalFailure> => {
  const references = uriFields(fields).flatMap((field) =>
    textsOf(input[field]).map((url, index) => ({
      field,
      url,
      loc: Array.isArray(input[field]) ? ['body', field, index] : ['body', field],
    })),
  )
  const loaded = await Promise.all(references.map(({ url, loc }) => loadOne(url, loc)))
  const failure = loaded.find((each) => 'reply' in each)
  if (failure && 'reply' in failure) return failure
  return (loaded as InputPicture[]).filter((_, index) => !isMask(references[index]?.field ?? ''))
}

const findProblems = (model: FalModel, input: Input, rejectsUnknown: boolean): FieldProblem[] => {
  const problems = checkFields(input, model.fields).filter(
    ({ kind }) => rejectsUnknown || kind !== 'unknown',
  )
  const { needsOneOf = [] } = model
  const [first] = needsOneOf
  if (first !== undefined && needsOneOf.every((field) => input[field] === undefined)) {
    problems.push({ field: first, kind: 'missing', value: undefined })
  }
  return problems
}

const choosePictures = (loaded: readonly InputPicture[], { usesPictures }: FalModel) => {
  if (!usesPictures) return loaded
  return usesPictures.which === 'first'
    ? loaded.slice(0, usesPictures.count)
    : loaded.slice(-usesPictures.count)
}

/** The text of this error is on record nowhere. */
const tooManyInAll = (model: FalModel, input: Input, pictures: number): FalFailure | undefined => {
  const { maxPicturesInAll } = model
  const wanted = pictures + Number(input.max_images ?? 1)
  if (maxPicturesInAll === undefined || wanted <= maxPicturesInAll) return undefined
  const msg = `Value error, input and output images together must not exceed ${maxPicturesInAll}`
  return modelFailure([
    { loc: ['body', 'max_images'], msg, type: 'value_error', input: input.max_images },
  ])
}

/** That a header of units counts megapixels in this way follows from the price lists only. */
const unitsOf = (model: FalModel, input: Input, { width, height }: PictureSize): number => {
  if (model.billedBy === 'megapixel') return Math.ceil((width * height) / MEGAPIXEL)
  return model.unitsByResolution?.[String(input.resolution ?? '1K')] ?? 1
}

/** Each generation is one picture, or a series as long as the model likes. */
const countOf = ({ prompt, num_images: generations = 1, max_images: most = 1 }: Input): number =>
  Array.from({ length: Number(generations) }).reduce<number>(
    (sum, _, index) => sum + seriesLength(`${index} ${prompt}`, Number(most)),
    0,
  )

/** Checks an input as the model does and loads its images; the failure that the job ends with otherwise. */
export const readFalOrder = async (
  model: FalModel,
  body: unknown,
  rejectsUnknown: boolean,
): Promise<FalOrder | FalFailure> => {
  const fields = isObject(body) ? body : {}
  const problems = findProblems(model, fields, rejectsUnknown)
  if (problems.length > 0) return modelFailure(problems.map(describe))
  const input = knownFields(fields, model.fields)
  const loaded = await loadAll(input, model.fields)
  if ('reply' in loaded) return loaded
  const inputs = choosePictures(loaded, model)
  const excess = tooManyInAll(model, input, inputs.length)
  if (excess) return excess
  const size = sizeOf(model.sizing, input, inputs)
  const format = input.output_format ?? model.fields.output_format?.default ?? model.format ?? 'png'
  return {
    prompt: String(input.prompt),
    inputs,
    size,
    count: countOf(input),
    format: format as PictureFormat,
    ...(typeof input.seed === 'number' ? { seed: input.seed } : {}),
    isInline: input.sync_mode === true,
    unitsPerImage: unitsOf(model, input, size),
  }
}
