import { hash, webcrypto } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { isJsonObject } from '#src/domain/json.ts'
import type { ImageCall } from './image-call.ts'
import { checkNesting } from './image-request-reader.ts'

const hashText = (text: string): string => hash('sha256', text)

/** Off the main thread: an edit may have 75 MB of pictures. */
const hashBytes = async (bytes: Buffer): Promise<string> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString(
    'hex',
  )

/** What a JSON body asks for on this path, as a hash. Both prefixes of a path are one path. */
const fingerprintOfJson = ({ routeOptions, body, liftedBody }: FastifyRequest): string =>
  hashText(`${routeOptions.url?.split('/').at(-1)}\n${liftedBody?.digest ?? JSON.stringify(body)}`)

/** What a form asks for, as a hash: of what is in it, as each sending of it has another boundary. */
const fingerprintOfForm = async ({
  mode,
  requestedModel,
  parameters,
  routing,
  images,
  mask,
}: ImageRequest): Promise<string> => {
  const hashes: string[] = []
  // One after another: each is copied to be hashed.
  for (const { bytes } of images) hashes.push(await hashBytes(bytes))
  const maskHash = mask ? await hashBytes(mask.bytes) : null
  return hashText(JSON.stringify([mode, requestedModel, parameters, routing, hashes, maskHash]))
}

/** What a call asks for, as a hash. A JSON body is compared as it came, before pictures are fetched that it refers to. */
export const fingerprintOf = async ({
  request,
  read,
}: Pick<ImageCall, 'request' | 'read'>): Promise<string> => {
  if (request.isMultipart()) return fingerprintOfForm(await read())
  if (isJsonObject(request.body)) checkNesting(request.body)
  return fingerprintOfJson(request)
}
