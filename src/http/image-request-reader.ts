import type { FastifyRequest } from 'fastify'
import pLimit from 'p-limit'
import type { Catalog } from '#src/catalog/catalog.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest, UploadedImage } from '#src/domain/image-request.ts'
import { isDeeperThan, isJsonObject, type JsonObject, withoutNulls } from '#src/domain/json.ts'
import type { Mode } from '#src/domain/model-card.ts'
import { checkRequest } from '#src/generation/check-request.ts'
import { responseFormatDefaultOf } from './client-quirks.ts'
import { takeImageReferences } from './image-references.ts'
import { MAX_FORM_BYTES, MAX_INPUT_IMAGE_BYTES, MAX_NESTING } from './limits.ts'
import { readFormValues, readImageForm } from './multipart-form.ts'
import { readRoutingWishes } from './routing-preferences.ts'

/** Checks an uploaded image by its bytes; throws the 400 that names it. */
export type InspectImage = (bytes: Buffer, param: string) => Promise<UploadedImage>

/** The bytes behind a data URI or an https URL; throws the 400 that names it. */
export type ReadImageReference = (
  reference: string,
  param: string,
  limits: { readonly signal: AbortSignal; readonly maxBytes: number },
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

/** Image URLs fetched at the same time for one request. */
const FETCHES_AT_ONCE = 4

const readModelName = (body: JsonObject): string => {
  const { model } = body
  if (typeof model === 'string' && model !== '') return model
  const message =
    model === undefined
      ? 'Parameter "model" is required.'
      : 'model must be a string that is not empty.'
  throw invalidRequest(message, 'model')
}

const checkNesting = (body: JsonObject): void => {
  const deep = Object.keys(body).find((name) => isDeeperThan(body[name] ?? null, MAX_NESTING))
  if (deep === undefined) return
  throw invalidRequest(`${deep.slice(0, 64)} is nested more than ${MAX_NESTING} levels deep.`, deep)
}

const toImageRequest = (
  request: FastifyRequest,
  options: RequestReaderOptions,
  mode: Mode,
  body: JsonObject,
  images: readonly UploadedImage[],
): ImageRequest => {
  checkNesting(body)
  const { timeoutMs, ...wishes } = readRoutingWishes(body['provider'], request.headers)
  const responseFormatDefault = responseFormatDefaultOf(request.headers['user-agent'])
  return {
    id: request.id,
    endpoint: request.routeOptions.url ?? request.url,
    ...(request.keyId !== null && { keyId: request.keyId }),
    mode,
    requestedModel: readModelName(body),
    parameters: Object.fromEntries(
      Object.entries(body).filter(([name]) => !OWN_FIELDS.includes(name)),
    ),
    images,
    ...wishes,
    ...(responseFormatDefault && { responseFormatDefault }),
    timeoutMs: Math.min(timeoutMs ?? options.requestTimeoutMs, options.requestTimeoutMs),
    signal: request.clientGone ?? new AbortController().signal,
  }
}

const readJsonBody = (request: FastifyRequest): JsonObject => {
  if (!isJsonObject(request.body)) throw invalidRequest('The body must be a JSON object.')
  return withoutNulls(request.body)
}

/** Reads a generation from its JSON body. */
export const readGeneration = (
  request: FastifyRequest,
  options: RequestReaderOptions,
): ImageRequest => toImageRequest(request, options, 'text_to_image', readJsonBody(request), [])

/** Names image `index` of `count` as messages do: `image`, or `image[2]`. */
const imageName = (index: number, count: number): string =>
  count === 1 ? 'image' : `image[${index}]`

const readFormEdit = async (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> => {
  const form = await readImageForm(request)
  const name = form.fields.get('model')?.at(-1)
  // The schema gives the fields their types, and the model is known only once the form has been read.
  const model = typeof name === 'string' ? options.catalog.resolve(name).model : undefined
  const body = withoutNulls(readFormValues(form.fields, model?.parameters.image_edit?.schema))
  const count = form.images.length
  const images = await Promise.all(
    form.images.map((bytes, index) => options.inspectImage(bytes, imageName(index, count))),
  )
  return toImageRequest(request, options, 'image_edit', body, images)
}

/** Stands for an image that has yet to be fetched, so that everything else is checked first. */
const PLACEHOLDER: UploadedImage = { bytes: Buffer.alloc(0), format: 'png' }

/** Reads the images one refers to, within one budget of bytes; the first that fails ends the others. */
const fetchImages = async (
  references: readonly string[],
  draft: ImageRequest,
  { readImageReference, inspectImage }: RequestReaderOptions,
): Promise<UploadedImage[]> => {
  const failed = new AbortController()
  const deadline = AbortSignal.timeout(draft.timeoutMs)
  const signal = AbortSignal.any([draft.signal, failed.signal, deadline])
  let leftBytes = MAX_FORM_BYTES
  const limit = pLimit(FETCHES_AT_ONCE)
  const readOne = async (reference: string, index: number): Promise<UploadedImage> => {
    const name = imageName(index, references.length)
    const maxBytes = Math.min(MAX_INPUT_IMAGE_BYTES, leftBytes)
    const bytes = await readImageReference(reference, name, { signal, maxBytes })
    leftBytes -= bytes.length
    if (leftBytes < 0) {
      throw invalidRequest(`The images have more than ${MAX_FORM_BYTES} bytes together.`, name)
    }
    return inspectImage(bytes, name)
  }
  try {
    return await Promise.all(
      references.map((reference, index) => limit(() => readOne(reference, index))),
    )
  } catch (error) {
    limit.clearQueue()
    failed.abort()
    if (!deadline.aborted) throw error
    throw new GatewayError(
      'TIMEOUT',
      "The request's deadline passed while its images were fetched.",
    )
  }
}

const readJsonEdit = async (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> => {
  const { references, body } = takeImageReferences(readJsonBody(request))
  const placeholders = references.map(() => PLACEHOLDER)
  const draft = toImageRequest(request, options, 'image_edit', body, placeholders)
  checkRequest(options.catalog.resolve(draft.requestedModel).model, draft)
  return { ...draft, images: await fetchImages(references, draft, options) }
}

/** Reads an edit from its form or its JSON body, and inspects every image. */
export const readEdit = (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> =>
  request.isMultipart() ? readFormEdit(request, options) : readJsonEdit(request, options)
