import { stringifyWithBase64 } from '#test/emulators/base64-json.ts'
import type { StreamBreak } from '#test/emulators/scenario.ts'
import { type Delivery, pause, type WireReply } from '#test/emulators/wire.ts'
import {
  type GenerateAnswer,
  type ResponseIdentity,
  type ResponsePart,
  responseChunks,
  unfinishedChunks,
} from './generate-response.ts'

export interface StreamOptions {
  /** Real ms until the last image; the others come at equal parts of it. */
  readonly latencyMs: number
  readonly signal: AbortSignal
  /** `undefined`: the stream is complete. */
  readonly streamBreak: StreamBreak | undefined
  /** What a break by an error sends. */
  readonly unavailable: WireReply
}

const HEADERS = { 'content-type': 'text/event-stream' }
const EVENT_START = Buffer.from('data: ')
const EVENT_END = Buffer.from('\r\n\r\n')

const event = (chunk: object): Buffer =>
  Buffer.concat([EVENT_START, stringifyWithBase64(chunk), EVENT_END])

/** The answer as server-sent events, each chunk as soon as the model would have it. */
export const streamReply = (
  answer: GenerateAnswer,
  identity: ResponseIdentity,
  options: StreamOptions,
): WireReply => ({
  status: 200,
  headers: HEADERS,
  body: sendChunks(answer, identity, options),
  ...delivery(options.streamBreak),
})

/** The same events in one piece. */
export const gatheredStreamReply = (
  answer: GenerateAnswer,
  identity: ResponseIdentity,
): WireReply => ({
  status: 200,
  headers: HEADERS,
  body: Buffer.concat(responseChunks(answer, identity).map(event)),
})

const delivery = (streamBreak: StreamBreak | undefined): { delivery?: Delivery } => {
  if (streamBreak?.how === 'reset') return { delivery: 'reset_after' }
  return streamBreak?.how === 'silence' ? { delivery: 'stall_after' } : {}
}

const isImage = (part: ResponsePart | undefined): boolean => part?.inlineData !== undefined

async function* sendChunks(
  answer: GenerateAnswer,
  identity: ResponseIdentity,
  { latencyMs, signal, streamBreak, unavailable }: StreamOptions,
) {
  const { parts } = answer
  const images = parts.filter(isImage).length
  // Without any image, the latency is that of the one chunk that is the answer.
  if (images === 0) await pause(latencyMs, signal)
  const chunks = streamBreak
    ? unfinishedChunks(answer, identity, streamBreak.after)
    : responseChunks(answer, identity)
  for (const [index, chunk] of chunks.entries()) {
    if (isImage(parts[index])) await pause(latencyMs / images, signal)
    yield event(chunk)
  }
  if (streamBreak?.how === 'error') yield String(unavailable.body)
  if (streamBreak?.how === 'malformed') yield 'data: {"candidates": [{\r\n\r\n'
}
