import { createHash } from 'node:crypto'

const hash = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** The run of everything that one key sends under one idempotency key. */
export const idempotentRunId = (keyId: string | undefined, idempotencyKey: string): string =>
  hash('idempotency', keyId ?? '', idempotencyKey)

/** The run of one request that was answered at once. */
export const acceptedRunId = (keyId: string | undefined, requestId: string): string =>
  hash('accepted', keyId ?? '', requestId)
