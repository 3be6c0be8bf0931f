import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { Type } from '#src/domain/schema-type.ts'
import { isKnownToCaller, isRangeWanted, readByteRange } from '#src/http/byte-range.ts'
import { documentedAnswers } from '#src/http/schemas/documented.ts'
import { mediaOperation } from '#src/http/schemas/media-operation.ts'
import type { MediaDescription, MediaStore, OpenedMedia } from '#src/images/media-store.ts'
import type { MediaSigner } from '#src/images/media-url.ts'

export interface MediaRouteDependencies {
  readonly store: MediaStore
  readonly signer: MediaSigner
  readonly clock: Clock
}

const ParamsSchema = Type.Object({ file: Type.String({ description: 'Name of the image.' }) })
const QuerySchema = Type.Object({
  expires: Type.String({ default: '', description: 'Unix seconds.' }),
  signature: Type.String({ default: '', description: 'Of name and expiry.' }),
})

/** How long a redirect's target holds at most, in seconds: it is followed at once, and not to be passed on. */
const LINK_LIFETIME_S = 300

const noSuchImage = (): GatewayError =>
  new GatewayError('NOT_FOUND', 'There is no such image, or its URL is not whole.')

const unsatisfiable = ({ sizeBytes }: MediaDescription): GatewayError =>
  new GatewayError('INVALID_REQUEST', `The image has no such bytes; it has ${sizeBytes}.`, {
    status: 416,
    param: 'range',
    headers: { 'content-range': `bytes */${sizeBytes}` },
  })

/** Throws unless the URL is one that was given out and is still good; resolves to the seconds left. */
const checkUrl = (
  file: string,
  { expires, signature }: { readonly expires: string; readonly signature: string },
  { signer, clock }: MediaRouteDependencies,
): number => {
  const verdict = signer.verify(file, expires, signature, clock.now())
  if (verdict === 'forged') throw noSuchImage()
  if (verdict === 'expired') {
    throw new GatewayError('NOT_FOUND', 'The URL of this image has expired.')
  }
  return Math.floor(Number(expires) - clock.now() / 1000)
}

const found = <T>(media: T | undefined): T => {
  if (media === undefined) throw noSuchImage()
  return media
}

/** A name is given once and what it names never changes: it is a strong validator. */
const etagOf = (file: string): string => `"${file}"`

/** A request for an image whose URL is good. */
interface Wanted {
  readonly file: string
  /** Seconds for which the URL is still good. */
  readonly secondsLeft: number
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly store: MediaStore
}

const validityOf = ({ file, secondsLeft }: Wanted) => ({
  etag: etagOf(file),
  'cache-control': `private, max-age=${secondsLeft}, immutable`,
})

/** Set only once the image is in hand: an error must not say that it may be kept. */
const imageHeaders = (wanted: Wanted, { mediaType, sizeBytes }: MediaDescription) => ({
  ...validityOf(wanted),
  'content-type': mediaType,
  'content-length': sizeBytes,
  'content-disposition': `inline; filename="${wanted.file}"`,
  'accept-ranges': 'bytes',
})

const sendOpened = (wanted: Wanted, media: OpenedMedia): FastifyReply =>
  wanted.reply.headers(imageHeaders(wanted, media)).send(media.stream)

const sendPart = async (wanted: Wanted, range: string): Promise<FastifyReply> => {
  const { file, reply, store } = wanted
  const description = found(await store.describe(file))
  const part = readByteRange(range, description.sizeBytes)
  if (part === 'unsatisfiable') throw unsatisfiable(description)
  if (part === 'whole') return sendOpened(wanted, found(await store.open(file)))
  const media = found(await store.open(file, part))
  const { firstByte, lastByte } = part
  reply.code(206)
  reply.header('content-range', `bytes ${firstByte}-${lastByte}/${description.sizeBytes}`)
  return sendOpened(wanted, media)
}

const sendLink = async (
  { file, secondsLeft, request, reply }: Wanted,
  linkTo: NonNullable<MediaStore['linkTo']>,
): Promise<FastifyReply> => {
  const lifetimeS = Math.max(1, Math.min(secondsLeft, LINK_LIFETIME_S))
  const link = await linkTo(file, request.method === 'HEAD' ? 'HEAD' : 'GET', lifetimeS)
  return reply.header('cache-control', 'private, no-store').redirect(link, 302)
}

const answer = async (wanted: Wanted): Promise<FastifyReply> => {
  const { file, request, reply, store } = wanted
  if (isKnownToCaller(request.headers['if-none-match'], etagOf(file))) {
    return reply.code(304).headers(validityOf(wanted)).send()
  }
  if (store.linkTo) return sendLink(wanted, store.linkTo)
  if (request.method === 'HEAD') {
    return reply.headers(imageHeaders(wanted, found(await store.describe(file)))).send()
  }
  const { range, 'if-range': ifRange } = request.headers
  return range !== undefined && isRangeWanted(ifRange, etagOf(file))
    ? sendPart(wanted, range)
    : sendOpened(wanted, found(await store.open(file)))
}

/** `GET /v1/media/{file}`: a hosted image, for whoever holds its signed URL, until that expires. */
export const registerMedia = (app: FastifyInstance, dependencies: MediaRouteDependencies): void => {
  app.withTypeProvider<TypeBoxTypeProvider>().route({
    // HEAD by itself: derived from GET, it would read the whole image to tell its length.
    method: ['GET', 'HEAD'],
    url: '/v1/media/:file',
    config: { isPublic: true, isEmbedded: true },
    schema: { ...mediaOperation, params: ParamsSchema, querystring: QuerySchema },
    ...documentedAnswers,
    handler: async (request, reply) => {
      const { file } = request.params
      const secondsLeft = checkUrl(file, request.query, dependencies)
      return answer({ file, secondsLeft, request, reply, store: dependencies.store })
    },
  })
}
