import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { GatewayError } from '#src/domain/errors.ts'

const failed = (message: string): GatewayError => new GatewayError('AUTHENTICATION_FAILED', message)

/** Characters of a key's hash that name it: enough to tell keys apart, useless for guessing one. */
const KEY_ID_CHARACTERS = 12

/** What a key is called in logs and records. */
export const keyIdOf = (hash: Buffer): string =>
  `key_${hash.toString('hex').slice(0, KEY_ID_CHARACTERS)}`

/** The id of the key that the header carries; throws when it is none. Each key is compared in constant time. */
const authenticate = (header: string | undefined, keyHashes: readonly Buffer[]): string => {
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
  return keyIdOf(hash)
}

/** Asks every route for a key but those whose config says `isPublic`. With no keys at all, nobody is asked. */
export const registerAuthentication = (
  app: FastifyInstance,
  keyHashes: readonly Buffer[],
): void => {
  app.decorateRequest('keyId', null)
  if (keyHashes.length === 0) return
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isPublic || request.method === 'OPTIONS') return
    request.keyId = authenticate(request.headers.authorization, keyHashes)
  })
}
