import { createHash, webcrypto } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { ImageRequest } from '#src/domain/image-request.ts'

const hashText = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Off the main thread: an edit may have 75 MB of pictures. */
const hashBytes = async (bytes: Buffer): Promise<string> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString(
    'hex',
  )

/** What a JSON body asks for on this path, as a hash. Both prefixes of a path are one path. */
export const fingerprintOfJson = (request: FastifyRequest): string =>
  hashText(`${request.routeOptions.url?.split('/').at(-1)}\n${JSON.stringify(request.body)}`)

/** What a form asks for, as a hash: of what is in it, as each sending of it has another boundary. */
export const fingerprintOfForm = async ({
  mode,
  requestedModel,
  parameters,
  routing,
  images,
  mask,
}: ImageRequest): Promise<string> => {
  const pictures = [...images, ...(mask ? [mask] : [])]
  const hashes = await Promise.all(pictures.map(({ bytes }) => hashBytes(bytes)))
  return hashText(JSON.stringify([mode, requestedModel, parameters, routing, hashes]))
}
