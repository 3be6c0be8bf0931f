import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { createJsonWithBytes, type JsonWithBytes } from '#src/bytes/json-with-bytes.ts'
import type { JsonObject } from '#src/domain/json.ts'

/** Longest silence in ms: proxies cut connections on which nothing moves, often after 60 s, some after 20. */
const KEEP_ALIVE_MS = 10_000

/** Events written to a client as they happen (WHATWG HTML §9.2). */
export interface EventStream {
  /** To be sent as the answer's body. */
  readonly body: Readable
  /** Writes an event of this type; the bytes that `present` places are written in pieces. In the order of the calls. */
  send(type: string, present: (place: JsonWithBytes['place']) => JsonObject): void
  /** Ends the stream once all is written. */
  end(): void
}

/** Opens a stream of events. Something is written at once, so that the headers go out. */
export const openEventStream = (keepAliveMs = KEEP_ALIVE_MS): EventStream => {
  const body = new PassThrough()
  let isIdle = true
  let writing = Promise.resolve()
  const comment = (text: string): void => {
    if (isIdle && body.writable) body.write(`: ${text}\n\n`)
  }
  const keepingAlive = setInterval(() => comment('keep-alive'), keepAliveMs).unref()
  body.once('close', () => clearInterval(keepingAlive))
  const write = async (piece: Buffer | string): Promise<void> => {
    if (!body.writable) return
    if (body.write(piece)) return
    // A client that left destroys the stream: nothing drains then.
    const closed = new AbortController()
    const left = (): void => closed.abort()
    body.once('close', left)
    await once(body, 'drain', { signal: closed.signal }).catch(() => undefined)
    body.off('close', left)
  }
  const writeEvent = async (
    type: string,
    present: (place: JsonWithBytes['place']) => JsonObject,
  ): Promise<void> => {
    isIdle = false
    const { place, render } = createJsonWithBytes()
    await write(`event: ${type}\ndata: `)
    for await (const piece of render(present(place)).pieces) await write(piece)
    await write('\n\n')
    isIdle = true
  }
  comment('open')
  return {
    body,
    send: (type, present) => {
      writing = writing.then(() => writeEvent(type, present))
    },
    end: () => {
      writing = writing.then(() => {
        body.end()
      })
    },
  }
}
