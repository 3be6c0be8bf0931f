import type { Multipart } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { parse } from 'qs'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
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
  readonly images: readonly Buffer[]
}

const IMAGE_NAME = /^image(\[\d*\])?$/

const tooLarge = (): GatewayError =>
  new GatewayError('INVALID_REQUEST', `The form is larger than ${MAX_FORM_BYTES} bytes.`, {
    status: 413,
  })

const checkDeclaredLength = (request: FastifyRequest): void => {
  if (Number(request.headers['content-length'] ?? 0) > MAX_FORM_BYTES) throw tooLarge()
}

/** An image file within its limit. */
const readImageFile = async (
  part: Extract<Multipart, { type: 'file' }>,
  index: number,
): Promise<Buffer> => {
  if (!IMAGE_NAME.test(part.fieldname)) {
    throw invalidRequest(
      `A file named "${part.fieldname.slice(0, 64)}" is not taken by this model.`,
      part.fieldname,
    )
  }
  try {
    return await part.toBuffer()
  } catch (error) {
    if ((error as { code?: string }).code !== 'FST_REQ_FILE_TOO_LARGE') throw error
    throw invalidRequest(
      `The image is larger than ${MAX_INPUT_IMAGE_BYTES} bytes.`,
      `image[${index}]`,
    )
  }
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
export const readImageForm = async (request: FastifyRequest): Promise<ImageForm> => {
  checkDeclaredLength(request)
  try {
    return await readParts(request)
  } catch (error) {
    // What is left of the form has to be read away: the answer goes out on this connection, and so may the next request.
    request.raw.unpipe()
    request.raw.resume()
    throw toFormError(error)
  }
}

const readParts = async (request: FastifyRequest): Promise<ImageForm> => {
  const fields = new Map<string, unknown[]>()
  const images: Buffer[] = []
  let sizeBytes = 0
  const limits = {
    fileSize: MAX_INPUT_IMAGE_BYTES,
    files: MAX_FORM_FILES,
    fields: MAX_FORM_FIELDS,
    fieldSize: MAX_FIELD_BYTES,
  }
  for await (const part of request.parts({ limits })) {
    if (part.type === 'file') {
      const image = await readImageFile(part, images.length)
      sizeBytes += image.length
      images.push(image)
    } else if (part.valueTruncated) {
      throw invalidRequest(`The field is larger than ${MAX_FIELD_BYTES} bytes.`, part.fieldname)
    } else if (IMAGE_NAME.test(part.fieldname)) {
      throw invalidRequest('image was sent as text; send it as a file.', 'image')
    } else {
      fields.set(part.fieldname, [...(fields.get(part.fieldname) ?? []), part.value])
    }
    if (sizeBytes > MAX_FORM_BYTES) throw tooLarge()
  }
  return { fields, images }
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
  if (type === 'string') return text
  if ((type === 'boolean' || type === undefined) && boolean !== undefined) return boolean
  if ((type === 'integer' || type === 'number' || type === undefined) && isNumber)
    return Number(text)
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
