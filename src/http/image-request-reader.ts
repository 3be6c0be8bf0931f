import type { FastifyRequest } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest, UploadedImage } from '#src/domain/image-request.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { Mode } from '#src/domain/model-card.ts'
import { responseFormatDefaultOf } from './client-quirks.ts'
import { readFormValues, readImageForm } from './multipart-form.ts'
import { readRoutingWishes } from './routing-preferences.ts'

/** Checks an uploaded image by its bytes; throws the 400 that names it. */
export type InspectImage = (bytes: Buffer, param: string) => Promise<UploadedImage>

export interface RequestReaderOptions {
  readonly catalog: Catalog
  readonly inspectImage: InspectImage
  /** Deadline of a request, in real milliseconds; a client can ask for less. */
  readonly requestTimeoutMs: number
}

/** Fields of the body that are the gateway's own and never reach a provider. */
const OWN_FIELDS = ['model', 'provider']

const readModelName = (body: JsonObject): string => {
  const { model } = body
  if (typeof model === 'string' && model !== '') return model
  const message =
    model === undefined
      ? 'Parameter "model" is required.'
      : 'model must be a string that is not empty.'
  throw invalidRequest(message, 'model')
}

/** JSON null is the same as absent. */
const withoutNulls = (body: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))

const checkStream = (body: JsonObject): void => {
  if (body['stream'] !== true) return
  throw invalidRequest('Streaming is not offered by this gateway: leave "stream" out.', 'stream')
}

const toImageRequest = (
  request: FastifyRequest,
  options: RequestReaderOptions,
  mode: Mode,
  body: JsonObject,
  images: readonly UploadedImage[],
): ImageRequest => {
  const { routing, isStrict, timeoutMs } = readRoutingWishes(body['provider'], request.headers)
  const responseFormatDefault = responseFormatDefaultOf(request.headers['user-agent'])
  checkStream(body)
  return {
    id: request.id,
    mode,
    requestedModel: readModelName(body),
    parameters: Object.fromEntries(
      Object.entries(body).filter(([name]) => !OWN_FIELDS.includes(name)),
    ),
    images,
    routing,
    isStrict,
    ...(responseFormatDefault && { responseFormatDefault }),
    timeoutMs: Math.min(timeoutMs ?? options.requestTimeoutMs, options.requestTimeoutMs),
    signal: request.clientGone ?? new AbortController().signal,
  }
}

/** Reads a generation from its JSON body. */
export const readGeneration = (
  request: FastifyRequest,
  options: RequestReaderOptions,
): ImageRequest => {
  if (!isJsonObject(request.body)) throw invalidRequest('The body must be a JSON object.')
  return toImageRequest(request, options, 'text_to_image', withoutNulls(request.body), [])
}

/** The schema that gives a form's fields their types; the model is known only once the form has been read. */
const editSchemaOf = (catalog: Catalog, model: unknown): JsonObject | undefined =>
  typeof model === 'string' ? catalog.resolve(model).model.parameters.image_edit?.schema : undefined

/** Reads an edit from its form, and inspects every image. */
export const readEdit = async (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> => {
  if (!request.isMultipart()) {
    throw new GatewayError('INVALID_REQUEST', 'Edits are sent as multipart/form-data.', {
      status: 415,
    })
  }
  const form = await readImageForm(request)
  const body = readFormValues(form.fields, editSchemaOf(options.catalog, form.fields.get('model')))
  const name = (index: number) => (form.images.length === 1 ? 'image' : `image[${index}]`)
  const images = await Promise.all(
    form.images.map((bytes, index) => options.inspectImage(bytes, name(index))),
  )
  return toImageRequest(request, options, 'image_edit', body, images)
}
