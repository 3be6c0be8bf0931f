import { isObject } from '#test/emulators/field-rules.ts'
import {
  decodeInputPicture,
  type InputPicture,
  InputPictureError,
  loadInputPicture,
} from '#test/emulators/input-picture.ts'
import { type AspectRatio, nearestAspectRatio } from '#test/emulators/picture-sizes.ts'
import { generationConfigProblems } from './generation-config-check.ts'
import type { GoogleModel } from './google-models.ts'
import { checkMessage, type Fields, type RequestProblem, unknownNames } from './message-check.ts'
import type { SurfaceRules } from './surface-rules.ts'
import { safetyProblems, toolsProblems } from './tools-check.ts'

/** A request that the model would work on. */
export interface GenerateOrder {
  readonly prompt: string
  readonly inputs: readonly InputPicture[]
  readonly ratio: AspectRatio
  /** Key of the model's `tokensBySize`. */
  readonly imageSize: string
  /** Absent: the model chooses. */
  readonly mediaType?: string
  /** JPEG quality; absent: the default. */
  readonly quality?: number
  readonly seed: number
  readonly thinkingLevel: string
  readonly includesThoughts: boolean
  readonly wantsImage: boolean
  readonly wantsText: boolean
  readonly usesSearch: boolean
}

/** What an image part of the request is limited by. */
export interface InlineLimits {
  /** Bytes of one decoded file; absent: only the whole request is limited. */
  readonly fileBytes?: number
  /** Prefixes that `fileUri` may have. */
  readonly fileUriPrefixes: readonly string[]
}

const PART_FIELDS = [
  'text',
  'inlineData',
  'fileData',
  'thought',
  'thoughtSignature',
  'functionCall',
  'functionResponse',
  'mediaResolution',
  'videoMetadata',
]
const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif']
const OTHER_TYPES = /^(audio|video|text)\/|^application\/pdf$/

const UNREADABLE: RequestProblem = {
  message:
    'Unable to process input image. Please retry or report in ' +
    'https://developers.generativeai.google/guide/troubleshooting',
}

const partProblems = (part: Fields, path: string): RequestProblem[] => {
  const problems = unknownNames(part, PART_FIELDS, path)
  const kinds = ['text', 'inlineData', 'fileData', 'functionCall', 'functionResponse']
  if (kinds.filter((kind) => part[kind] !== undefined).length !== 1) {
    problems.push({
      message: `* GenerateContentRequest.${path}.data: required oneof field 'data' must have one initialized field`,
    })
  }
  const inline = checkMessage(part.inlineData, `${path}.inline_data`, (fields) =>
    unknownNames(fields, ['mimeType', 'data', 'displayName'], `${path}.inline_data`),
  )
  const file = checkMessage(part.fileData, `${path}.file_data`, (fields) =>
    unknownNames(fields, ['mimeType', 'fileUri', 'displayName'], `${path}.file_data`),
  )
  return [...problems, ...inline, ...file]
}

const contentProblems = (content: Fields, path: string): RequestProblem[] => {
  const problems = unknownNames(content, ['role', 'parts'], path)
  if (content.role !== undefined && content.role !== 'user' && content.role !== 'model') {
    problems.push({ message: 'Please use a valid role: user, model.' })
  }
  const parts = Array.isArray(content.parts) ? content.parts : []
  if (parts.length === 0) {
    problems.push({
      message: `* GenerateContentRequest.${path}.parts: contents.parts must not be empty.`,
    })
  }
  const found = parts.flatMap((part: unknown, index) =>
    checkMessage(part, `${path}.parts[${index}]`, (fields) =>
      partProblems(fields, `${path}.parts[${index}]`),
    ),
  )
  return [...problems, ...found]
}

const contentsProblems = (contents: unknown): RequestProblem[] => {
  if (!Array.isArray(contents) || contents.length === 0) {
    return [{ message: '* GenerateContentRequest.contents: contents is not specified' }]
  }
  return contents.flatMap((content: unknown, index) =>
    checkMessage(content, `contents[${index}]`, (fields) =>
      contentProblems(fields, `contents[${index}]`),
    ),
  )
}

/** Everything wrong with the form of a body. */
export const bodyProblems = (
  body: Fields,
  model: GoogleModel,
  rules: SurfaceRules,
): RequestProblem[] => [
  ...unknownNames(body, rules.bodyFields, ''),
  ...contentsProblems(body.contents),
  ...generationConfigProblems(body.generationConfig, model, rules),
  ...toolsProblems(body.tools, model, rules),
  ...safetyProblems(body.safetySettings, rules),
]

const asFields = (value: unknown): Fields => (isObject(value) ? value : {})

const partsOf = (body: Fields): Fields[] =>
  (body.contents as Fields[]).flatMap((content) => content.parts as Fields[])

const loadPart = async (
  part: Fields,
  limits: InlineLimits,
): Promise<InputPicture | RequestProblem | undefined> => {
  const media = asFields(part.inlineData ?? part.fileData)
  const mimeType = String(media.mimeType ?? '')
  if (OTHER_TYPES.test(mimeType)) return undefined
  if (!IMAGE_TYPES.includes(mimeType)) return { message: `Unsupported MIME type: ${mimeType}` }
  try {
    if (part.fileData) return await loadFile(String(media.fileUri ?? ''), limits)
    const bytes = Buffer.from(String(media.data ?? ''), 'base64')
    if (bytes.length > (limits.fileBytes ?? Number.POSITIVE_INFINITY)) {
      return { message: `Inline file is larger than the limit of ${limits.fileBytes} bytes.` }
    }
    return await decodeInputPicture(bytes)
  } catch (error) {
    if (error instanceof InputPictureError) return UNREADABLE
    throw error
  }
}

const loadFile = async (
  fileUri: string,
  limits: InlineLimits,
): Promise<InputPicture | RequestProblem> => {
  if (!limits.fileUriPrefixes.some((prefix) => fileUri.startsWith(prefix))) {
    return { message: `Invalid or unsupported file uri: ${fileUri}` }
  }
  return loadInputPicture(fileUri)
}

/** Decodes the input images, or tells why they cannot be used. */
export const loadInputs = async (
  body: Fields,
  model: GoogleModel,
  limits: InlineLimits,
): Promise<InputPicture[] | RequestProblem> => {
  const media = partsOf(body).filter((part) => part.inlineData ?? part.fileData)
  if (media.length > model.maxImages) {
    return { message: `The number of input images exceeds the limit of ${model.maxImages}.` }
  }
  const loaded = await Promise.all(media.map((part) => loadPart(part, limits)))
  const problem = loaded.find((each) => each !== undefined && 'message' in each)
  if (problem && 'message' in problem) return problem
  return loaded.filter((each) => each !== undefined) as InputPicture[]
}

const chooseRatio = (
  wanted: unknown,
  inputs: readonly InputPicture[],
  model: GoogleModel,
): AspectRatio => {
  if (typeof wanted === 'string') return wanted as AspectRatio
  // Without a ratio the last input image decides (image generation guide).
  const last = inputs.at(-1)
  return last ? nearestAspectRatio(last, model.ratios) : '1:1'
}

/** Reads a body whose form has been found right. */
export const readOrder = (
  body: Fields,
  inputs: readonly InputPicture[],
  model: GoogleModel,
): GenerateOrder => {
  const config = asFields(body.generationConfig)
  const image = asFields(config.imageConfig)
  const options = asFields(image.imageOutputOptions)
  const thinking = asFields(config.thinkingConfig)
  const modalities = (config.responseModalities ?? ['TEXT', 'IMAGE']) as string[]
  const texts = partsOf(body).flatMap((part) => (typeof part.text === 'string' ? [part.text] : []))
  const tools = (body.tools ?? []) as Fields[]
  return {
    prompt: texts.join('\n'),
    inputs,
    ratio: chooseRatio(image.aspectRatio, inputs, model),
    imageSize: String(image.imageSize ?? '1K'),
    ...(typeof options.mimeType === 'string' ? { mediaType: options.mimeType } : {}),
    ...(typeof options.compressionQuality === 'number'
      ? { quality: Math.max(1, options.compressionQuality) }
      : {}),
    seed: Number(config.seed ?? 0),
    thinkingLevel: String(thinking.thinkingLevel ?? model.defaultThinking),
    includesThoughts: thinking.includeThoughts === true,
    wantsImage: modalities.includes('IMAGE'),
    wantsText: modalities.includes('TEXT'),
    usesSearch: tools.some((tool) => tool.googleSearch !== undefined),
  }
}
