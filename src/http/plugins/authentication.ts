import type { FastifyInstance } from 'fastify'
import { type ApiKey, hashKey } from '#src/domain/api-key.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { KeyRegistry } from '#src/domain/key-registry.ts'

/** The keys of the gateway, as far as requests need them. */
export type KnownKeys = Pick<KeyRegistry, 'asksForKeys' | 'findByHash' | 'isComplete'>

/** When keys that could not be read yet are worth another try, in ms. */
const RETRY_AFTER_MS = 1_000

const failed = (message: string): GatewayError => new GatewayError('AUTHENTICATION_FAILED', message)

const notReadYet = (): GatewayError =>
  new GatewayError(
    'OVERLOADED',
    'The API key is not one of the configuration, and those in Redis could not be read yet.',
    { retryAfterMs: RETRY_AFTER_MS },
  )

const readKey = (header: string | undefined): string => {
  if (header === undefined) {
    throw failed('No API key was sent. Send it as "Authorization: Bearer <key>".')
  }
  const key = /^Bearer +(\S+) *$/i.exec(header)?.[1]
  if (key === undefined) {
    throw failed('The Authorization header is malformed. It must read "Bearer <key>".')
  }
  return key
}

/** Whoever reads this has the key: nothing is given away. */
const checkIsGood = ({ isEnabled, expiresAtMs }: ApiKey, nowMs: number): void => {
  if (!isEnabled) throw failed('The API key is disabled.')
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) {
    throw failed(`The API key expired at ${new Date(expiresAtMs).toISOString()}.`)
  }
}

/**
 * The key that the header carries; throws when it is none. Keys are looked up by their SHA-256 digest, whatever their
 * number. How long that takes tells at most how the digest of the guess compares to digests of keys; a guesser cannot
 * steer digests bit by bit, so it brings nobody nearer to a key. The keys themselves are never compared, nor held.
 */
const authenticate = (header: string | undefined, keys: KnownKeys, nowMs: number): ApiKey => {
  const key = keys.findByHash(hashKey(readKey(header)))
  if (key) {
    checkIsGood(key, nowMs)
    return key
  }
  if (keys.isComplete()) throw failed('The API key is not known here.')
  throw notReadYet()
}

/** Asks every route for a key but those whose config says `isPublic`. With no keys at all, nobody is asked. */
export const registerAuthentication = (
  app: FastifyInstance,
  keys: KnownKeys,
  now: () => number = Date.now,
): void => {
  app.decorateRequest('keyId', null)
  app.decorateRequest('apiKey', null)
  app.addHook('onRequest', async (request) => {
    if (!keys.asksForKeys()) return
    if (request.routeOptions.config.isPublic || request.method === 'OPTIONS') return
    const key = authenticate(request.headers.authorization, keys, now())
    request.apiKey = key
    request.keyId = key.id
  })
}
