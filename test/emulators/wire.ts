import type { CallKind, RecordedCall } from './emulator.ts'

/** A request that has been read whole. */
export interface WireRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Buffer
  /** Parsed JSON; `undefined` when the body is empty or no JSON. */
  readonly json: unknown
  /** Named groups of the route's pattern, percent-decoded. */
  readonly parameters: Readonly<Record<string, string>>
  /** Its entry in the call log, to set `jobId` on. */
  readonly call: RecordedCall
  /** Aborted when the caller left or the emulator closes. */
  readonly signal: AbortSignal
}

/**
 * How the bytes of an answer travel: as they should; never; with the connection reset before or in the middle of
 * them; in many small pieces; or only up to the middle, with the connection left open. Streams only: all pieces, and
 * then instead of an end the connection reset or left open.
 */
export type Delivery =
  | 'whole'
  | 'never'
  | 'reset_before'
  | 'reset_inside'
  | 'drip'
  | 'stall'
  | 'reset_after'
  | 'stall_after'

export interface WireReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** An iterable is streamed piece by piece. */
  readonly body: Buffer | string | AsyncIterable<Buffer | string>
  /** Absent: `whole`. */
  readonly delivery?: Delivery
}

/** One thing that an emulator answers to. */
export interface Route {
  readonly method: string
  /** Matched against the path; named groups become `parameters`. */
  readonly pattern: RegExp
  readonly kind: CallKind
  handle(request: WireRequest): WireReply | Promise<WireReply>
}

export const jsonReply = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): WireReply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})

/** The request is read and then never answered. */
export const silence: WireReply = { status: 0, headers: {}, body: '', delivery: 'never' }

/**
 * Waits in real time; rejects when the caller leaves. The timer keeps no process alive. Timers count whole ms from the
 * start of the event loop's turn: one ms more, and a job is never found unfinished at the end of its own wait.
 */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    if (ms <= 0) return resolve()
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, Math.ceil(ms) + 1)
    timer.unref()
    signal.addEventListener('abort', onAbort, { once: true })
  })
