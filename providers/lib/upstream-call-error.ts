import { NotSentError } from '#src/domain/errors.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

/**
 * What a single-shot fetch throws. It has neither `code` nor `cause`, and its name is no DOMException's: the fal
 * client walks both to decide whether to send again.
 */
export class UpstreamCallError extends Error {
  override readonly name = 'UpstreamCallError'
  readonly failure: UpstreamFailure

  constructor(failure: UpstreamFailure) {
    super('The upstream call failed')
    this.failure = failure
  }
}

/** Any error on the wire as one. `wasHandedOver`: whether the request had been given to the transport by then. */
export const asCallError = (error: unknown, wasHandedOver: boolean): UpstreamCallError => {
  if (error instanceof UpstreamCallError) return error
  const networkCode = networkCodeOf(error)
  const requestLeft = wasHandedOver && !(error instanceof NotSentError)
  return new UpstreamCallError({ headers: {}, networkCode, requestLeft })
}

/** The error and what caused it, outermost first. */
const causeChain = (error: unknown): { code?: unknown; name?: unknown }[] => {
  const chain: { code?: unknown; name?: unknown }[] = []
  let current = error
  while (typeof current === 'object' && current !== null && chain.length < 8) {
    chain.push(current)
    current = 'cause' in current ? current.cause : undefined
  }
  return chain
}

const networkCodeOf = (error: unknown): string => {
  const chain = causeChain(error)
  if (chain.some(({ name }) => name === 'TimeoutError')) return 'TIMED_OUT'
  if (chain.some(({ name }) => name === 'AbortError')) return 'ABORTED'
  for (const { code } of chain) if (typeof code === 'string') return code
  return 'CONNECTION_FAILED'
}
