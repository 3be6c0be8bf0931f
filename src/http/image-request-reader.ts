import type { FastifyRequest } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest, UploadedImage } from '#src/domain/image-request.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { Mode } from '#src/domain/model-card.ts'
import { responseFormatDefaultOf } from './client-quirks.ts'
import { takeImageReferences } from './image-references.ts'
import { readFormValues, readImageForm } from './multipart-form.ts'
import { readRoutingWishes } from './routing-preferences.ts'

/** Checks an uploaded image by its bytes; throws the 400 that names it. */
export type InspectImage = (bytes: Buffer, param: string) => Promise<UploadedImage>

/** The bytes behind a data URI or an https URL; throws the 400 that names it. */
export type ReadImageReference = (
  reference: string,
  param: string,
  signal: AbortSignal,
) => Promise<Buffer>

export interface RequestReaderOptions {
  readonly catalog: Catalog
  readonly inspectImage: InspectImage
  readonly readImageReference: ReadImageReference
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

interface EditBody {
  readonly body: JsonObject
  readonly images: readonly UploadedImage[]
}

/** Names image `index` of `count` as messages do: `image`, or `image[2]`. */
const imageName = (index: number, count: number): string =>
  count === 1 ? 'image' : `image[${index}]`

const readFormEdit = async (
  request: FastifyRequest,
  { catalog, inspectImage }: RequestReaderOptions,
): Promise<EditBody> => {
  const form = await readImageForm(request)
  const body = readFormValues(form.fields, editSchemaOf(catalog, form.fields.get('model')))
  const count = form.images.length
  const images = await Promise.all(
    form.images.map((bytes, index) => inspectImage(bytes, imageName(index, count))),
  )
  return { body, images }
}

const readJsonEdit = async (
  request: FastifyRequest,
  { inspectImage, readImageReference }: RequestReaderOptions,
): Promise<EditBody> => {
  if (!isJsonObject(request.body)) throw invalidRequest('The body must be a JSON object.')
  const { references, body } = takeImageReferences(withoutNulls(request.body))
  const signal = request.clientGone ?? new AbortController().signal
  const images = await Promise.all(
    references.map(async (reference, index) => {
      const name = imageName(index, references.length)
      return inspectImage(await readImageReference(reference, name, signal), name)
    }),
  )
  return { body, images }
}

/** Reads an edit from its form or its JSON body, and inspects every image. */
export const readEdit = async (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> => {
  const { body, images } = request.isMultipart()
    ? await readFormEdit(request, options)
    : await readJsonEdit(request, options)
  return toImageRequest(request, options, 'image_edit', body, images)
}
