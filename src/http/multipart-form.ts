import type { Multipart } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
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
  /** Text fields; the last of equal names. */
  readonly fields: ReadonlyMap<string, unknown>
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
const toFormError = (error: unknown): unknown =>
  error instanceof GatewayError || (error instanceof Error && 'statusCode' in error)
    ? error
    : invalidRequest('The form cannot be read: it is malformed or ended before its last boundary.')

/** Reads the whole form, whatever the order of its parts, with or without a content length. */
export const readImageForm = async (request: FastifyRequest): Promise<ImageForm> => {
  checkDeclaredLength(request)
  try {
    return await readParts(request)
  } catch (error) {
    throw toFormError(error)
  }
}

const readParts = async (request: FastifyRequest): Promise<ImageForm> => {
  const fields = new Map<string, unknown>()
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
    } else {
      fields.set(part.fieldname, part.value)
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

/**
 * Form fields as JSON values, by the model's schema. A name that the schema lacks is read as what it looks like: `2` a
 * number, `true` a boolean. The routing field `provider` may be JSON text. Empty fields are absent.
 */
export const readFormValues = (
  fields: ReadonlyMap<string, unknown>,
  schema: JsonObject | undefined,
): JsonObject => {
  const properties = isJsonObject(schema?.['properties']) ? schema['properties'] : {}
  const values: JsonObject = {}
  for (const [name, value] of fields) {
    if (value === '') continue
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    const type = isJsonObject(property) ? property['type'] : undefined
    if (typeof value !== 'string') values[name] = value as JsonValue
    else values[name] = name === 'provider' ? parseObject(value) : readAs(type, value)
  }
  return values
}
