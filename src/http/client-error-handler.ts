import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { GatewayError } from '#src/domain/errors.ts'
import { toErrorAnswer } from './error-answer.ts'
import { SECURITY_HEADERS } from './plugins/security-headers.ts'
import { chooseRequestId } from './request-context.ts'

/** Statuses of what Node's parser refuses, by its error code; all others are 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** How long a client is given to take its answer and to hang up, in ms: who goes on sending would else be held for ever. */
const LINGER_MS = 1_000

/** Answers what is not HTTP, or never becomes a whole request, with the contract's error object, and hangs up. */
export const answerClientError = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = STATUSES[error.code ?? ''] ?? 400
  const { body, headers } = toErrorAnswer(
    new GatewayError('INVALID_REQUEST', 'The request is not readable as HTTP.', { status }),
  )
  const text = JSON.stringify(body)
  const lines = Object.entries({
    ...headers,
    ...SECURITY_HEADERS,
    'x-request-id': chooseRequestId(undefined),
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`)
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}
