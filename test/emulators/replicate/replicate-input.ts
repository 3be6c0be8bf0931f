import { checkFields, type FieldRule, isObject } from '#test/emulators/field-rules.ts'
import {
  decodeInputPicture,
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
import type { WireReply } from '#test/emulators/wire.ts'
import { describeInvalidField, type InvalidField, invalidInput } from './replicate-errors.ts'

/** Inputs of google/nano-banana-2 (https://replicate.com/google/nano-banana-2, version page, May 2026). */
const NANO_BANANA_2: Readonly<Record<string, FieldRule>> = {
  prompt: { type: 'string', isRequired: true },
  image_input: { type: 'strings', maxItems: 14 },
  aspect_ratio: { type: 'one_of', values: ['match_input_image', ...ASPECT_RATIOS] },
  resolution: { type: 'one_of', values: ['1K', '2K', '4K'] },
  google_search: { type: 'boolean' },
  image_search: { type: 'boolean' },
  output_format: { type: 'one_of', values: ['jpg', 'png'] },
}

/** The official models served here. */
export const REPLICATE_MODELS: Readonly<Record<string, Readonly<Record<string, FieldRule>>>> = {
  'google/nano-banana-2': NANO_BANANA_2,
}

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
  readonly ratio: AspectRatio
  readonly resolution: string
  readonly format: PictureFormat
}

type Input = Readonly<Record<string, unknown>>

const dataUriProblems = (input: Input): InvalidField[] => {
  const references = Array.isArray(input.image_input) ? input.image_input : []
  return references.flatMap((reference: unknown, index) => {
    const isTooLarge =
      typeof reference === 'string' &&
      reference.startsWith('data:') &&
      reference.length > MAX_DATA_URI_BYTES
    const field = `input.image_input.${index}`
    return isTooLarge ? [{ type: 'max_size', field, description: 'Data URI is over 1 MB' }] : []
  })
}

const uriProblems = (input: Input): InvalidField[] => {
  const references = Array.isArray(input.image_input) ? input.image_input : []
  return references.flatMap((reference: unknown, index) => {
    const isUri = typeof reference !== 'string' || /^(https?:\/\/|data:)/.test(reference)
    const field = `input.image_input.${index}`
    return isUri ? [] : [{ type: 'format', field, description: "Does not match format 'uri'" }]
  })
}

/** The 422 that a create with this input is answered with; `undefined` when it is right. */
export const refuseInput = (
  model: string,
  input: unknown,
  rejectsUnknown: boolean,
): WireReply | undefined => {
  if (!isObject(input)) {
    return invalidInput([{ type: 'required', field: 'input', description: 'input is required' }])
  }
  const problems = checkFields(input, REPLICATE_MODELS[model] ?? {})
    .filter(({ kind }) => rejectsUnknown || kind !== 'unknown')
    .map(describeInvalidField)
  const all = [...problems, ...uriProblems(input), ...dataUriProblems(input)]
  return all.length > 0 ? invalidInput(all) : undefined
}

/** Bytes of a file that was uploaded here before; `undefined` when the URL is none of ours. */
export type FindUpload = (url: string) => Buffer | undefined

/** Loads the images; the text that the prediction fails with when one cannot be used. */
const loadAll = async (
  references: readonly string[],
  findUpload: FindUpload,
): Promise<InputPicture[] | string> => {
  try {
    return await Promise.all(
      references.map((reference) => {
        const upload = findUpload(reference)
        return upload ? decodeInputPicture(upload) : loadInputPicture(reference)
      }),
    )
  } catch (error) {
    if (!(error instanceof InputPictureError)) throw error
    return error.reason === 'download'
      ? 'Failed to download an input file.'
      : 'cannot identify image file: the input image could not be decoded.'
  }
}

/** Reads an input that passed `refuseInput`; a text is what the prediction fails with. */
export const readReplicateOrder = async (
  input: Input,
  findUpload: FindUpload,
): Promise<ReplicateOrder | string> => {
  const inputs = await loadAll((input.image_input ?? []) as string[], findUpload)
  if (typeof inputs === 'string') return inputs
  const wanted = input.aspect_ratio ?? 'match_input_image'
  const first = inputs[0]
  const matching = first ? nearestAspectRatio(first) : '1:1'
  return {
    prompt: String(input.prompt),
    inputs,
    ratio: wanted === 'match_input_image' ? matching : (wanted as AspectRatio),
    resolution: String(input.resolution ?? '1K'),
    format: input.output_format === 'png' ? 'png' : 'jpeg',
  }
}
