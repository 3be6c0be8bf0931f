import {
  checkFields,
  type FieldRules,
  isObject,
  knownFields,
  textsOf,
  uriFields,
} from '#test/emulators/field-rules.ts'
import {
  decodeInputPicture,
  type InputPicture,
  InputPictureError,
  loadInputPicture,
} from '#test/emulators/input-picture.ts'
import type { PictureFormat } from '#test/emulators/picture.ts'
import type { PictureSize } from '#test/emulators/picture-sizes.ts'
import { seriesLength } from '#test/emulators/series-length.ts'
import { missingSide, sizeOf } from '#test/emulators/sizing.ts'
import type { WireReply } from '#test/emulators/wire.ts'
import { describeInvalidField, type InvalidField, invalidInput } from './replicate-errors.ts'
import type { ReplicateModel } from './replicate-model.ts'

/**
 * Largest data URL. The guide says "under 1 MB", the API reference recommends at most 256 kB, one user saw failures
 * near 6.4 MiB only (https://replicate.com/docs/topics/predictions/input-files). What a larger one is answered with is
 * on record nowhere; refused here so that a gateway keeps to the guide.
 */
const MAX_DATA_URI_BYTES = 1_000_000

/** A request that the model would work on. */
export interface ReplicateOrder {
  readonly prompt: string
  readonly inputs: readonly InputPicture[]
  readonly size: PictureSize
  readonly count: number
  readonly format: PictureFormat
  /** Absent: the model takes one of its own. */
  readonly seed?: number
}

type Input = Readonly<Record<string, unknown>>

interface Reference {
  readonly url: string
  /** Field with the place in its list, as `input.image_input.0`. */
  readonly place: string
  readonly field: string
}

/** The pictures that an input names, in the order of the schema. */
const referencesOf = (input: Input, fields: FieldRules): Reference[] =>
  uriFields(fields).flatMap((field) =>
    textsOf(input[field]).map((url, index) => ({
      url,
      field,
      place: Array.isArray(input[field]) ? `input.${field}.${index}` : `input.${field}`,
    })),
  )

const uriProblem = ({ url, place: field }: Reference): InvalidField[] => {
  if (!/^(https?:\/\/|data:)/.test(url)) {
    return [{ type: 'format', field, description: "Does not match format 'uri'" }]
  }
  return url.startsWith('data:') && url.length > MAX_DATA_URI_BYTES
    ? [{ type: 'max_size', field, description: 'Data URI is over 1 MB' }]
    : []
}

/** The 422 that a create with this input is answered with; `undefined` when it is right. */
export const refuseInput = (
  model: ReplicateModel,
  input: unknown,
  rejectsUnknown: boolean,
): WireReply | undefined => {
  if (!isObject(input)) {
    return invalidInput([{ type: 'required', field: 'input', description: 'input is required' }])
  }
  const problems = checkFields(input, model.fields)
    .filter(({ kind }) => rejectsUnknown || kind !== 'unknown')
    .map(describeInvalidField)
  const all = [...problems, ...referencesOf(input, model.fields).flatMap(uriProblem)]
  return all.length > 0 ? invalidInput(all) : undefined
}

/** Bytes of a file that was uploaded here before; `undefined` when the URL is none of ours. */
export type FindUpload = (url: string) => Buffer | undefined

/** Loads the images; the text that the prediction fails with when one cannot be used. */
const loadAll = async (
  references: readonly Reference[],
  findUpload: FindUpload,
): Promise<InputPicture[] | string> => {
  try {
    return await Promise.all(
      references.map(({ url }) => {
        const upload = findUpload(url)
        return upload ? decodeInputPicture(upload) : loadInputPicture(url)
      }),
    )
  } catch (error) {
    if (!(error instanceof InputPictureError)) throw error
    return error.reason === 'download'
      ? 'Failed to download an input file.'
      : 'cannot identify image file: the input image could not be decoded.'
  }
}

/**
 * What the schema cannot say and the model finds itself. That each of these fails the prediction follows from the
 * descriptions of the fields; the texts are on record nowhere.
 */
const modelRefuses = (
  model: ReplicateModel,
  input: Input,
  pictures: number,
): string | undefined => {
  const { together = [], mostWithImages = {}, maxPicturesInAll = Number.POSITIVE_INFINITY } = model
  const given = together.filter((field) => input[field] !== undefined)
  const missing = missingSide(model.sizing, input)
  if (missing !== undefined) return `${missing} has to be given with a custom size.`
  if (given.length > 0 && given.length < together.length) {
    return `${together.join(' and ')} have to be given together.`
  }
  for (const [field, most] of Object.entries(mostWithImages)) {
    if (pictures > 0 && Number(input[field] ?? 0) > most) {
      return `${field} must be at most ${most} when an input image is used.`
    }
  }
  return pictures + Number(input.max_images ?? 1) > maxPicturesInAll
    ? `Input and output images together must not exceed ${maxPicturesInAll}.`
    : undefined
}

/** Masks are decoded like every picture, but are nothing to draw from. */
const isMask = ({ field }: Reference): boolean => field === 'mask'

const countOf = ({ countField }: ReplicateModel, input: Input): number =>
  input.sequential_image_generation === 'auto'
    ? seriesLength(String(input.prompt), Number(input.max_images ?? 1))
    : Number((countField && input[countField]) ?? 1)

/** Reads an input that passed `refuseInput`; a text is what the prediction fails with. */
export const readReplicateOrder = async (
  model: ReplicateModel,
  fields: Input,
  findUpload: FindUpload,
): Promise<ReplicateOrder | string> => {
  const input = knownFields(fields, model.fields)
  const references = referencesOf(input, model.fields)
  const loaded = await loadAll(references, findUpload)
  if (typeof loaded === 'string') return loaded
  const inputs = loaded.filter((_, index) => {
    const reference = references[index]
    return reference !== undefined && !isMask(reference)
  })
  const refused = modelRefuses(model, input, inputs.length)
  if (refused !== undefined) return refused
  const wanted = input.output_format ?? model.fields.output_format?.default ?? model.format ?? 'png'
  return {
    prompt: String(input.prompt),
    inputs,
    size: sizeOf(model.sizing, input, inputs),
    count: countOf(model, input),
    format: wanted === 'jpg' ? 'jpeg' : (wanted as PictureFormat),
    ...(typeof input.seed === 'number' ? { seed: input.seed } : {}),
  }
}
