import type { ServerResponse } from 'node:http'
import { pause, type WireReply } from './wire.ts'

/** Pieces of a `drip` answer: enough to outlast a time limit between two pieces, few enough to finish. */
const DRIP_PIECES = 20

export interface DeliveryContext {
  readonly signal: AbortSignal
  /** Real ms between two pieces of a slow answer. */
  readonly dripIntervalMs: number
}

const collect = async (body: WireReply['body']): Promise<Buffer> => {
  if (Buffer.isBuffer(body)) return body
  if (typeof body === 'string') return Buffer.from(body)
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** Resolves once the bytes were handed to the system, so that a following reset does not swallow them. */
const writeAndFlush = (response: ServerResponse, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => response.write(bytes, () => resolve()))

const drip = async (
  response: ServerResponse,
  bytes: Buffer,
  context: DeliveryContext,
): Promise<void> => {
  const size = Math.max(1, Math.ceil(bytes.length / DRIP_PIECES))
  for (let start = 0; start < bytes.length; start += size) {
    response.write(bytes.subarray(start, start + size))
    await pause(context.dripIntervalMs, context.signal)
  }
  response.end()
}

const stream = async (
  response: ServerResponse,
  body: AsyncIterable<Buffer | string>,
  delivery: WireReply['delivery'],
): Promise<void> => {
  for await (const piece of body) {
    await writeAndFlush(response, Buffer.isBuffer(piece) ? piece : Buffer.from(piece))
  }
  if (delivery === 'reset_after') response.destroy()
  else if (delivery !== 'stall_after') response.end()
}

/** What leaves the pieces of a stream as they are. */
const STREAMED: readonly (string | undefined)[] = [undefined, 'whole', 'reset_after', 'stall_after']

const writeHead = (response: ServerResponse, reply: WireReply, length?: number): void => {
  const framing = length === undefined ? {} : { 'content-length': String(length) }
  response.writeHead(reply.status, { ...reply.headers, ...framing })
}

const deliverBytes = async (
  response: ServerResponse,
  reply: WireReply,
  context: DeliveryContext,
): Promise<void> => {
  const bytes = await collect(reply.body)
  if (response.destroyed) return
  writeHead(response, reply, bytes.length)
  if (reply.delivery === 'drip') return drip(response, bytes, context)
  if (reply.delivery === 'reset_inside' || reply.delivery === 'stall') {
    await writeAndFlush(response, bytes.subarray(0, Math.ceil(bytes.length / 2)))
    if (reply.delivery === 'reset_inside') response.destroy()
    return
  }
  response.end(bytes)
}

/** Sends the reply in the way that it asks for. */
export const deliver = async (
  response: ServerResponse,
  reply: WireReply,
  context: DeliveryContext,
): Promise<void> => {
  if (reply.delivery === 'never' || response.destroyed) return
  if (reply.delivery === 'reset_before') {
    response.socket?.resetAndDestroy()
    return
  }
  const isStream = typeof reply.body === 'object' && !Buffer.isBuffer(reply.body)
  if (isStream && STREAMED.includes(reply.delivery)) {
    writeHead(response, reply)
    return stream(response, reply.body as AsyncIterable<Buffer | string>, reply.delivery)
  }
  return deliverBytes(response, reply, context)
}
