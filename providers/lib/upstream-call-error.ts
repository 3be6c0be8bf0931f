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

/** Any error on the wire as one. `wasHandedOver`: whether the request had been given to the network by then. */
export const asCallError = (error: unknown, wasHandedOver: boolean): UpstreamCallError => {
  if (error instanceof UpstreamCallError) return error
  const networkCode = networkCodeOf(error)
  const requestLeft = wasHandedOver && !isBeforeSending(error)
  return new UpstreamCallError({ headers: {}, networkCode, requestLeft })
}

/** The error and what caused it, outermost first. */
const causeChain = (error: unknown): { code?: unknown; syscall?: unknown; name?: unknown }[] => {
  const chain: { code?: unknown; syscall?: unknown; name?: unknown }[] = []
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

/** Codes of Node, OpenSSL and undici for a connection that was never made. */
const BEFORE_SENDING =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|ERR_SSL_\w+|ERR_INVALID_URL|CERT_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+)$/

const isBeforeSending = (error: unknown): boolean =>
  causeChain(error).some(
    ({ code, syscall }) =>
      syscall === 'connect' ||
      syscall === 'getaddrinfo' ||
      (typeof code === 'string' && BEFORE_SENDING.test(code)),
  )
