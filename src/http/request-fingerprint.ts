import { createHash, hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import type { ImageRequest, InputBytes } from '#src/domain/image-request.ts'
import { isJsonObject } from '#src/domain/json.ts'
import type { ImageCall } from './image-call.ts'
import { checkNesting } from './image-request-reader.ts'

const hashText = (text: string): string => hash('sha256', text)

/** Bytes that are hashed before other work gets its turn: about a millisecond. */
const STEP_BYTES = 1024 * 1024

/** In steps: an edit may have 75 MB of pictures. */
const hashBytes = async ({ pieces }: InputBytes): Promise<string> => {
  const hashed = createHash('sha256')
  let sinceTurnBytes = 0
  for (const piece of pieces) {
    hashed.update(piece)
    sinceTurnBytes += piece.length
    if (sinceTurnBytes < STEP_BYTES) continue
    sinceTurnBytes = 0
    await setImmediate()
  }
  return hashed.digest('hex')
}

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
