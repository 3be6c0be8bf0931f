import { type Base64Lift, createBase64Lift } from '#src/bytes/lift-base64.ts'
import { bufferOf, lengthOf } from '#src/bytes/pieces.ts'
import type { TextWithBytes } from '#src/bytes/text-with-bytes.ts'
import type { AnswerAccount } from '#src/domain/byte-account.ts'
import type {
  ProviderDependencies,
  UpstreamAnswer,
  UpstreamFailure,
  UpstreamRequest,
} from '#src/domain/provider-adapter.ts'
import type { Lifted } from './lifted-base64.ts'
import { type AnswerCount, countAnswer, readStreamed, readWhole } from './read-answer.ts'
import { readErrorAnswer } from './read-error-answer.ts'
import { asCallError, UpstreamCallError } from './upstream-call-error.ts'
import { WholeResponse } from './whole-response.ts'

export interface SingleShotOptions {
  /** `send` is what really sends. */
  readonly dependencies: Pick<ProviderDependencies, 'send' | 'clock' | 'timeScale'>
  /** Ends the request. The SDK's own signal is left aside: one of them drops the reason. */
  readonly signal: AbortSignal
  /** Request headers that the SDK has no option for; absent: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where the request goes instead, when the SDK has no option for it; absent: as the SDK says. */
  readonly redirectTo?: (url: URL) => URL
  /** What stands as marks in the body that the SDK makes; absent: nothing does. */
  readonly placed?: TextWithBytes
  /** Given the body of a good answer as it comes, makes the pieces that the SDK is given. Absent: it comes whole. */
  readonly streamAnswer?: (bytes: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array>
  /** Where the answer is counted; absent: nobody counts. */
  readonly memory?: AnswerAccount | undefined
}

export interface SingleShot {
  /** Handed to an SDK for one call of it. */
  readonly fetch: typeof globalThis.fetch
  /** Long base64 never reaches the SDK: other text stands in its place. */
  readonly lifted: Lifted
  /**
   * Tells that nobody reads on: base64 that was not asked for is not held any longer, and what of a streamed answer is
   * still to come is not waited for, which an SDK that gives a stream up leaves open.
   */
  settle(): void
  /** Why the request failed; `undefined` while it has not. */
  failure(): UpstreamFailure | undefined
  /** Whether the request was handed to the network, so that the provider may know of it. */
  requestLeft(): boolean
}

interface ShotState {
  sent: boolean
  requestLeft: boolean
  error?: UpstreamCallError
  /** Absent: no good answer has come. */
  count?: AnswerCount
  /** Of a streamed answer; absent: none has come. */
  streamed?: UpstreamAnswer['body']
  /** What was asked for of the base64 that was lifted, and how many characters it had. */
  readonly asked: Map<Uint8Array[], number>
  readonly lift: Base64Lift
}

/**
 * A fetch for exactly one request, so that no SDK sends a paid job twice. A failure, a status outside 2xx included,
 * is thrown and not returned, as the SDKs repeat on statuses; every later request gets the same failure thrown
 * again at once. A whole answer is read before it is passed on, so a connection lost inside a body is seen here; of a
 * streamed one the loss is recorded, and thrown to who reads it, when all that had come has been read.
 */
export const createSingleShot = (options: SingleShotOptions): SingleShot => {
  const state: ShotState = {
    sent: false,
    requestLeft: false,
    lift: createBase64Lift(),
    asked: new Map(),
  }
  const fetchOnce: typeof globalThis.fetch = async (input, init) => {
    if (state.sent) throw state.error ?? refusedSecondRequest()
    state.sent = true
    try {
      return await exchange(options, state, input, init)
    } catch (error) {
      state.error = asCallError(error, state.requestLeft)
      state.requestLeft = state.error.failure.requestLeft
      state.count?.keepOnly(0)
      throw state.error
    }
  }
  return {
    fetch: fetchOnce,
    lifted: (text) => liftedBy(state, text, options.memory !== undefined),
    settle: () => {
      state.streamed?.destroy()
      state.count?.keepOnly(sumOf(state.asked.values()))
    },
    failure: () => state.error?.failure,
    requestLeft: () => state.requestLeft,
  }
}

const refusedSecondRequest = (): UpstreamCallError =>
  new UpstreamCallError({ headers: {}, networkCode: 'SECOND_REQUEST', requestLeft: true })

const exchange = async (
  options: SingleShotOptions,
  state: ShotState,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> => {
  options.signal.throwIfAborted()
  const request = await requestOf(input, init, options)
  state.requestLeft = true
  const answer = await options.dependencies.send(request).catch((error: unknown) => {
    // Nobody begins to work on a request before all of it is there.
    if (isCutOff(request)) state.requestLeft = false
    throw error
  })
  const { status } = answer
  if (status < 200 || status > 299) throw await readErrorAnswer(answer, options.dependencies)
  return await responseOf(answer, options, state)
}

/** Whether a part of the body was never handed to the network. */
const isCutOff = ({ body }: UpstreamRequest): boolean =>
  typeof body === 'object' && 'stream' in body && !body.stream.readableEnded

const responseOf = async (
  answer: UpstreamAnswer,
  { streamAnswer, signal, memory }: SingleShotOptions,
  state: ShotState,
): Promise<Response> => {
  const { lift } = state
  const init = { status: answer.status, headers: withoutTransfer(answer.headers) }
  const count = await countAnswer(answer, signal, memory)
  state.count = count
  if (streamAnswer === undefined) {
    return new WholeResponse(await readWhole(answer, lift, count), init)
  }
  state.streamed = answer.body
  const asFailure = (error: unknown): Error => {
    state.error = asCallError(error, state.requestLeft)
    return state.error
  }
  const bytes = streamAnswer(readStreamed(answer, lift, count, asFailure))
  return new Response(ReadableStream.from(bytes), init)
}

const liftedBy = (
  { lift, count, asked }: ShotState,
  text: string,
  isCounted: boolean,
): ReturnType<Lifted> => {
  const pieces = lift.lifted(text)
  if (pieces === undefined) return undefined
  if (!asked.has(pieces)) asked.set(pieces, lengthOf(pieces))
  const release = (): void => {
    count?.release(asked.get(pieces) ?? 0)
    asked.set(pieces, 0)
  }
  return isCounted ? { pieces, release } : { pieces }
}

const sumOf = (numbers: Iterable<number>): number => {
  let sum = 0
  for (const each of numbers) sum += each
  return sum
}

/** An SDK's request as the transport takes it. */
const requestOf = async (
  input: string | URL | Request,
  init: RequestInit,
  { signal, headers: added, redirectTo, placed }: SingleShotOptions,
): Promise<UpstreamRequest> => {
  const asked = new URL(input instanceof Request ? input.url : input)
  const url = redirectTo?.(asked) ?? asked
  const own = Object.fromEntries(new Headers(init.headers))
  const { body, headers } = await encodedBody(init.body)
  const sent = placed ? withPlaced(body, placed) : body
  return {
    method: init.method ?? 'GET',
    url,
    headers: { ...own, ...headers, ...added },
    ...(sent !== undefined && { body: sent }),
    signal,
  }
}

/** A form's text is cut in bytes that are no text: it is read as what changes none of them. */
const withPlaced = (
  body: UpstreamRequest['body'],
  { render }: TextWithBytes,
): UpstreamRequest['body'] => {
  if (typeof body === 'string') return render(body) ?? body
  if (!(body instanceof Uint8Array)) return body
  return render(bufferOf(body).toString('latin1'), 'latin1') ?? body
}

/** Forms are the only bodies of an SDK that are neither text nor bytes: `Response` encodes them. */
const encodedBody = async (
  body: RequestInit['body'],
): Promise<Pick<UpstreamRequest, 'body'> & { headers?: Record<string, string> }> => {
  if (body === undefined || body === null) return {}
  if (typeof body === 'string') return { body }
  const encoded = new Response(body)
  const type = encoded.headers.get('content-type')
  const bytes = new Uint8Array(await encoded.arrayBuffer())
  return { body: bytes, ...(type !== null && { headers: { 'content-type': type } }) }
}

/** What the headers say of the body is about its transfer, which is over. */
const withoutTransfer = (headers: UpstreamAnswer['headers']): Record<string, string> => {
  const { 'content-length': _length, 'content-encoding': _encoding, ...others } = headers
  return others
}
