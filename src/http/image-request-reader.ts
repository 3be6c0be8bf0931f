import type { FastifyRequest } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { isDeeperThan, isJsonObject, type JsonObject, withoutNulls } from '#src/domain/json.ts'
import type { Mode } from '#src/domain/model-card.ts'
import { checkRequest } from '#src/generation/check-request.ts'
import { prefersAsync, readAnswerWishes } from './answer-wishes.ts'
import { responseFormatDefaultOf } from './client-quirks.ts'
import { takeImageReferences } from './image-references.ts'
import {
  fetchPictures,
  type InputPictures,
  type InspectImage,
  inspectPictures,
  placeholdersFor,
  type ReadImageReference,
} from './input-pictures.ts'
import { restoreLifted } from './lifted-json.ts'
import { MAX_NESTING } from './limits.ts'
import { readFormValues, readImageForm } from './multipart-form.ts'
import { readRequestOrigin } from './request-origin.ts'
import { readRoutingWishes, readWishedTime } from './routing-preferences.ts'

/** Throws the 400 for a URL that results cannot be posted to. */
export type CheckWebhookUrl = (url: string) => void

export interface RequestReaderOptions {
  readonly catalog: Catalog
  readonly inspectImage: InspectImage
  readonly readImageReference: ReadImageReference
  /** Deadline of a request, in real milliseconds; a client can ask for less. */
  readonly requestTimeoutMs: number
  readonly checkWebhookUrl: CheckWebhookUrl
  /** The same for a request that is answered at once. */
  readonly asyncTimeoutMs: number
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

/** Throws the 400 for values that nest deeper than anything that is meant. */
export const checkNesting = (body: JsonObject): void => {
  const deep = Object.keys(body).find((name) => isDeeperThan(body[name] ?? null, MAX_NESTING))
  if (deep === undefined) return
  throw invalidRequest(`${deep.slice(0, 64)} is nested more than ${MAX_NESTING} levels deep.`, deep)
}

/** How long the request may take, in real ms: as long as the client wants, within what the gateway gives. */
export const readTimeLimit = (
  request: FastifyRequest,
  { asyncTimeoutMs, requestTimeoutMs }: RequestReaderOptions,
): number => {
  const longestMs = prefersAsync(request) ? asyncTimeoutMs : requestTimeoutMs
  return Math.min(readWishedTime(request.headers) ?? longestMs, longestMs)
}

const toImageRequest = (
  request: FastifyRequest,
  options: RequestReaderOptions,
  mode: Mode,
  body: JsonObject,
  pictures: InputPictures,
): ImageRequest => {
  checkNesting(body)
  const wishes = readRoutingWishes(body['provider'], request.headers)
  const answering = readAnswerWishes(body, request)
  const responseFormatDefault = responseFormatDefaultOf(request.headers['user-agent'])
  if (prefersAsync(request) && answering.webhookUrl !== undefined) {
    options.checkWebhookUrl(answering.webhookUrl)
  }
  return {
    id: request.id,
    endpoint: request.routeOptions.url ?? request.url,
    ...(request.keyId !== null && { keyId: request.keyId }),
    ...(request.apiKey?.models && { allowedModels: request.apiKey.models }),
    ...readRequestOrigin(request),
    ...(request.admission && {
      memory: request.admission.memory,
      outlive: request.admission.outlive,
    }),
    mode,
    requestedModel: readModelName(body),
    parameters: Object.fromEntries(
      Object.entries(body).filter(([name]) => !OWN_FIELDS.includes(name)),
    ),
    ...pictures,
    ...wishes,
    ...answering,
    warnings: [...wishes.warnings, ...answering.warnings],
    ...(responseFormatDefault && { responseFormatDefault }),
    timeoutMs: readTimeLimit(request, options),
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
): ImageRequest => {
  if (request.isMultipart()) {
    const message = 'Generations are read as application/json; forms are for edits.'
    throw new GatewayError('INVALID_REQUEST', message, { status: 415 })
  }
  return toImageRequest(request, options, 'text_to_image', readJsonBody(request), { images: [] })
}

const readFormEdit = async (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> => {
  const { admission } = request
  const form = await readImageForm(request, admission?.receive)
  admission?.settle(form.sizeBytes)
  const name = form.fields.get('model')?.at(-1)
  // The schema gives the fields their types, and the model is known only once the form has been read.
  const model = typeof name === 'string' ? options.catalog.resolve(name).model : undefined
  const body = withoutNulls(readFormValues(form.fields, model?.parameters.image_edit?.schema))
  const pictures = await inspectPictures(form, options.inspectImage)
  return toImageRequest(request, options, 'image_edit', body, pictures)
}

const sizeOf = ({ images, mask }: InputPictures): number =>
  images.reduce((sum, { bytes }) => sum + bytes.sizeBytes, mask?.bytes.sizeBytes ?? 0)

const readJsonEdit = async (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> => {
  const { references, body: rest } = takeImageReferences(readJsonBody(request))
  const { liftedBody } = request
  checkNesting(rest)
  const body = liftedBody ? (restoreLifted(rest, liftedBody) as JsonObject) : rest
  const draft = toImageRequest(request, options, 'image_edit', body, placeholdersFor(references))
  checkRequest(options.catalog.resolve(draft.requestedModel).model, draft)
  const { timeoutMs, signal } = draft
  const onBytes = request.admission?.receive
  const lifted = liftedBody?.lifted
  const optional = { ...(onBytes && { onBytes }), ...(lifted && { lifted }) }
  const terms = { ...options, timeoutMs, signal, ...optional }
  const pictures = await fetchPictures(references, terms)
  request.admission?.settle(sizeOf(pictures))
  return { ...draft, ...pictures }
}

/** Reads an edit from its form or its JSON body, and inspects every image. */
export const readEdit = (
  request: FastifyRequest,
  options: RequestReaderOptions,
): Promise<ImageRequest> =>
  request.isMultipart() ? readFormEdit(request, options) : readJsonEdit(request, options)
