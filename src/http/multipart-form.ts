import type { Multipart } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { parse } from 'qs'
import { gatherPieces } from '#src/bytes/pieces.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { InputBytes } from '#src/domain/image-request.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import {
  MAX_FIELD_BYTES,
  MAX_FORM_BYTES,
  MAX_FORM_FIELDS,
  MAX_FORM_FILES,
  MAX_INPUT_IMAGE_BYTES,
} from './limits.ts'

/** A form as it came, before any field has a type. */
export interface ImageForm {
  /** Text fields by name, each with every value sent under it. */
  readonly fields: ReadonlyMap<string, readonly unknown[]>
  /** Files of `image`, `image[]` and `image[0]`, in order. */
  readonly images: readonly InputBytes[]
  /** The file of `mask`; absent: there is none. */
  readonly mask?: InputBytes
  /** Of all files. */
  readonly sizeBytes: number
}

/** Told of the bytes of a form as they come; what it throws ends the reading. */
export type OnBytes = (bytes: number) => void

const IMAGE_NAME = /^image(\[\d*\])?$/

const tooLarge = (): GatewayError =>
  new GatewayError('INVALID_REQUEST', `The form is larger than ${MAX_FORM_BYTES} bytes.`, {
    status: 413,
  })

const checkDeclaredLength = (request: FastifyRequest): void => {
  if (Number(request.headers['content-length'] ?? 0) > MAX_FORM_BYTES) throw tooLarge()
}

type FilePart = Extract<Multipart, { type: 'file' }>

const fileTooLarge = (param: string): GatewayError =>
  invalidRequest(`${param} is larger than ${MAX_INPUT_IMAGE_BYTES} bytes.`, param)

/**
 * A file within its limit. One that is too large is read to its end and dropped: a stream that is left before takes the
 * rest of the form along.
 */
const readFile = async (
  { file }: FilePart,
  param: string,
  onBytes: OnBytes,
): Promise<InputBytes> => {
  const bytes = await gatherPieces(file, onBytes)
  if (file.truncated) throw fileTooLarge(param)
  return bytes
}

/** The form as far as it has been read. */
interface FormDraft {
  readonly fields: Map<string, unknown[]>
  readonly images: InputBytes[]
  mask?: InputBytes
  sizeBytes: number
}

const addFile = async (draft: FormDraft, part: FilePart, onBytes: OnBytes): Promise<void> => {
  const name = part.fieldname
  if (name === 'mask') {
    if (draft.mask) throw invalidRequest('mask was sent more than once.', 'mask')
    draft.mask = await readFile(part, 'mask', onBytes)
    draft.sizeBytes += draft.mask.sizeBytes
  } else if (IMAGE_NAME.test(name)) {
    const image = await readFile(part, `image[${draft.images.length}]`, onBytes)
    draft.images.push(image)
    draft.sizeBytes += image.sizeBytes
  } else {
    throw invalidRequest(`A file named "${name.slice(0, 64)}" is not taken by this model.`, name)
  }
}

const addField = (
  { fields }: FormDraft,
  part: Exclude<Multipart, FilePart>,
  onBytes: OnBytes,
): void => {
  const name = part.fieldname
  onBytes(String(part.value).length)
  if (part.valueTruncated) {
    throw invalidRequest(`The field is larger than ${MAX_FIELD_BYTES} bytes.`, name)
  }
  if (name === 'mask' && part.value === '') return
  if (name === 'mask' || IMAGE_NAME.test(name)) {
    const param = name === 'mask' ? name : 'image'
    throw invalidRequest(`${param} was sent as text; send it as a file.`, param)
  }
  fields.set(name, [...(fields.get(name) ?? []), part.value])
}

/** The parser throws plain errors for a form that is malformed or ends too early; all others say what they are. */
const toFormError = (error: unknown): unknown => {
  if (error instanceof GatewayError || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'FST_FILES_LIMIT') {
    return invalidRequest(
      `More than ${MAX_FORM_FILES} files were sent.`,
      `image[${MAX_FORM_FILES}]`,
    )
  }
  if (code === 'FST_FIELDS_LIMIT')
    return invalidRequest(`More than ${MAX_FORM_FIELDS} fields were sent.`)
  return 'statusCode' in error
    ? error
    : invalidRequest('The form cannot be read: it is malformed or ended before its last boundary.')
}

/** Reads the whole form, whatever the order of its parts, with or without a content length. */
export const readImageForm = async (
  request: FastifyRequest,
  onBytes: OnBytes = () => undefined,
): Promise<ImageForm> => {
  checkDeclaredLength(request)
  try {
    return await readParts(request, onBytes)
  } catch (error) {
    // What is left of the form has to be read away: the answer goes out on this connection, and so may the next request.
    request.raw.unpipe()
    request.raw.resume()
    throw toFormError(error)
  }
}

/** A part with a name of its own for its file, or with a picture's type: some clients send pictures without names. */
const isPartAFile = (
  _field: string | undefined,
  contentType: string | undefined,
  filename: string | undefined,
): boolean =>
  filename !== undefined ||
  contentType === 'application/octet-stream' ||
  contentType?.startsWith('image/') === true

const readParts = async (request: FastifyRequest, onBytes: OnBytes): Promise<ImageForm> => {
  const draft: FormDraft = { fields: new Map(), images: [], sizeBytes: 0 }
  const limits = {
    fileSize: MAX_INPUT_IMAGE_BYTES,
    files: MAX_FORM_FILES,
    fields: MAX_FORM_FIELDS,
    fieldSize: MAX_FIELD_BYTES,
  }
  for await (const part of request.parts({ limits, isPartAFile })) {
    if (part.type === 'file') await addFile(draft, part, onBytes)
    else addField(draft, part, onBytes)
    if (draft.sizeBytes > MAX_FORM_BYTES) throw tooLarge()
  }
  return draft
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

/** A form's text as the type that the schema names; text that is not of that type stays, and is then refused. */
const readAs = (type: JsonValue | undefined, text: string): JsonValue => {
  const boolean = BOOLEANS.get(text.toLowerCase())
  const isNumber = NUMBER.test(text) && Number.isFinite(Number(text))
  // A name that is not known may hold an id: one of more digits than a number keeps stays as it was written.
  const isKept = text.includes('.') || Number.isSafeInteger(Number(text))
  if (type === 'string') return text
  if ((type === 'boolean' || type === undefined) && boolean !== undefined) return boolean
  if (type === undefined && isNumber && isKept) return Number(text)
  if ((type === 'integer' || type === 'number') && isNumber) return Number(text)
  return text
}

const parseObject = (text: string): JsonValue => {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : text
  } catch {
    return text
  }
}

const readNested = (value: unknown): JsonValue => {
  if (typeof value === 'string') return readAs(undefined, value)
  if (Array.isArray(value)) return value.map(readNested)
  if (!isJsonObject(value)) return null
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, readNested(entry)]))
}

/** How deep, and how many entries, `a[b][c][]` may nest. */
const NESTING = { depth: 8, arrayLimit: 64, parameterLimit: MAX_FORM_FIELDS }

const isNested = (name: string): boolean => name.includes('[')

/** `provider[only][]` = `fal` as `{ provider: { only: ['fal'] } }`: so OpenAI's clients write objects in forms. */
const readNestedFields = (fields: ReadonlyMap<string, readonly unknown[]>): JsonObject => {
  const nested = Object.fromEntries(
    [...fields]
      .filter(([name]) => isNested(name))
      .map(([name, values]) => [name, name.endsWith('[]') ? values : values.at(-1)]),
  )
  return readNested(parse(nested as unknown as string, NESTING)) as JsonObject
}

const readField = (name: string, value: unknown, type: JsonValue | undefined): JsonValue => {
  if (typeof value !== 'string') return value as JsonValue
  return name === 'provider' ? parseObject(value) : readAs(type, value)
}

/**
 * Form fields as JSON values, by the model's schema. A name that the schema lacks is read as what it looks like: `2` a
 * number, `true` a boolean. The routing field `provider` may be JSON text. Empty fields are absent; of fields of the
 * same name the last counts.
 */
export const readFormValues = (
  fields: ReadonlyMap<string, readonly unknown[]>,
  schema: JsonObject | undefined,
): JsonObject => {
  const properties = isJsonObject(schema?.['properties']) ? schema['properties'] : {}
  const values = readNestedFields(fields)
  for (const [name, given] of fields) {
    const value = given.at(-1)
    if (value === '' || value === undefined || isNested(name)) continue
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    values[name] = readField(name, value, isJsonObject(property) ? property['type'] : undefined)
  }
  return values
}
