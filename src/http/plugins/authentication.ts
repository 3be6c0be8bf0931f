import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { GatewayError } from '#src/domain/errors.ts'

const failed = (message: string): GatewayError => new GatewayError('AUTHENTICATION_FAILED', message)

/** Throws unless the header carries one of the keys. All keys are compared, each in constant time. */
const checkAuthorization = (header: string | undefined, keyHashes: readonly Buffer[]): void => {
  if (header === undefined) {
    throw failed('No API key was sent. Send it as "Authorization: Bearer <key>".')
  }
  const key = /^Bearer +(\S+) *$/i.exec(header)?.[1]
  if (key === undefined) {
    throw failed('The Authorization header is malformed. It must read "Bearer <key>".')
  }
  const hash = createHash('sha256').update(key).digest()
  const matches = keyHashes.filter((known) => timingSafeEqual(known, hash))
  if (matches.length === 0) throw failed('The API key is not known here.')
}

/** Asks every route for a key but those whose config says `isPublic`. With no keys at all, nobody is asked. */
export const registerAuthentication = (
  app: FastifyInstance,
  keyHashes: readonly Buffer[],
): void => {
  if (keyHashes.length === 0) return
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isPublic || request.method === 'OPTIONS') return
    checkAuthorization(request.headers.authorization, keyHashes)
  })
}
