import { readEvents } from '#console/event-stream.ts'
import { ApiError, call } from '#console/gateway.ts'
import type { PlacedAttempt } from '#console/parts/time-line.ts'
import type { Attempt, Estimate, Metadata, Mode, Warning } from '#console/types.ts'
import { blobOfBase64, createPicture, type Picture } from './picture.ts'

/** What is asked for. */
export interface Order {
  readonly model: string
  readonly mode: Mode
  /** Without `model`; `prompt` among them. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly pictures: readonly Picture[]
  readonly mask: Picture | undefined
  /** The only provider; empty: the gateway chooses. */
  readonly provider: string
}

/** How a request stands, from its begin on. */
export interface Run {
  readonly order: Order
  readonly startedAtMs: number
  state: 'running' | 'completed' | 'failed' | 'cancelled'
  endedAtMs: number | undefined
  /** Expected time to an image in ms. `undefined`: not known. */
  expectedMs: number | undefined
  /** Those that have begun; of one under way the duration is 0. */
  attempts: readonly PlacedAttempt[]
  draft: Picture | undefined
  images: readonly Picture[]
  warnings: readonly Warning[]
  metadata: Metadata | undefined
  requestId: string | undefined
  error: ApiError | undefined
  cancel(): void
}

const PATHS: Readonly<Record<Mode, string>> = {
  text_to_image: '/openai/v1/images/generations',
  image_edit: '/openai/v1/images/edits',
}

const routingOf = ({ provider, parameters }: Order): object =>
  provider === ''
    ? {}
    : { provider: { ...(parameters['provider'] as object | undefined), only: [provider] } }

const bodyOf = (order: Order, more: Readonly<Record<string, unknown>>): RequestInit => {
  const fields = { model: order.model, ...order.parameters, ...routingOf(order), ...more }
  if (order.mode === 'text_to_image') {
    return { body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } }
  }
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    form.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  for (const { blob, name } of order.pictures) form.append('image[]', blob, name)
  if (order.mask) form.set('mask', order.mask.blob, order.mask.name)
  return { body: form }
}

/** What it would cost. Sends nothing to a provider. */
export const estimate = async (order: Order, signal: AbortSignal): Promise<Estimate> => {
  const answer = await call(`${PATHS[order.mode]}?dryRun=true`, {
    method: 'POST',
    ...bodyOf(order, {}),
    signal,
  })
  return answer.json()
}

/** An event about a try, as `x-gateway-progress` has them. */
interface ProgressEvent extends Omit<Attempt, 'duration_ms'> {
  readonly attempt: number
  readonly after_ms: number
  readonly duration_ms?: number
  readonly reason?: string
}

/** Takes in that a try began or ended. */
const noteAttempt = (
  run: Run,
  byNumber: Map<number, PlacedAttempt>,
  event: ProgressEvent,
): void => {
  const before = byNumber.get(event.attempt)
  const tookMs = event.duration_ms ?? 0
  byNumber.set(event.attempt, {
    provider: event.provider,
    config_key: event.config_key,
    status: event.status,
    ...(event.error_code !== undefined && { error_code: event.error_code }),
    duration_ms: tookMs,
    afterMs: before?.afterMs ?? Math.max(0, event.after_ms - tookMs),
    reason: before?.reason ?? event.reason,
  })
  run.attempts = [...byNumber.values()]
}

const mediaTypeOf = (format: unknown): string =>
  `image/${typeof format === 'string' ? format : 'png'}`

// biome-ignore lint/suspicious/noExplicitAny: as the events are.
const pictureOf = (data: any, name: string): Picture =>
  createPicture(
    blobOfBase64(data.b64_json, mediaTypeOf(data.output_format)),
    `${name}.${data.output_format ?? 'png'}`,
  )

const follow = async (run: Run, answer: Response, changed: () => void): Promise<void> => {
  const byNumber = new Map<number, PlacedAttempt>()
  if (!answer.body) return
  for await (const { type, data } of readEvents(answer.body)) {
    if (type === 'error') throw new ApiError(answer.status, data.error)
    if (type === 'gateway.planned') run.expectedMs = data.expected_seconds * 1_000
    if (type === 'gateway.attempt') noteAttempt(run, byNumber, data)
    if (type.endsWith('.partial_image')) run.draft = pictureOf(data, 'draft')
    if (type.endsWith('.completed')) {
      run.images = [...run.images, pictureOf(data, `${run.order.model}-${run.images.length + 1}`)]
      run.metadata = data.metadata ?? run.metadata
      run.warnings = data.warnings ?? run.warnings
    }
    changed()
  }
  // The last picture brings it: a stream that ends before was cut, also where a proxy ends it in good order.
  if (!run.metadata) throw new Error('The stream ended too soon')
}

/** Sends the request. `changed` is called with each thing that becomes known. */
export const startRun = (
  order: Order,
  expectedMs: number | undefined,
  changed: () => void,
): Run => {
  const gone = new AbortController()
  const run: Run = {
    order,
    startedAtMs: Date.now(),
    state: 'running',
    endedAtMs: undefined,
    expectedMs,
    attempts: [],
    draft: undefined,
    images: [],
    warnings: [],
    metadata: undefined,
    requestId: undefined,
    error: undefined,
    cancel: () => gone.abort(),
  }
  const send = async (): Promise<void> => {
    const { headers, ...rest } = bodyOf(order, { stream: true })
    const answer = await call(PATHS[order.mode], {
      method: 'POST',
      ...rest,
      headers: { ...(headers as Record<string, string> | undefined), 'x-gateway-progress': 'true' },
      signal: gone.signal,
    })
    run.requestId = answer.headers.get('x-request-id') ?? undefined
    await follow(run, answer, changed)
    run.state = 'completed'
  }
  void send()
    .catch((error: unknown) => {
      run.state = gone.signal.aborted ? 'cancelled' : 'failed'
      if (error instanceof ApiError) {
        run.error = error
        run.requestId ??= error.requestId
      } else if (!gone.signal.aborted) {
        run.error = new ApiError(0, { message: 'The connection was lost.', code: 'UNREACHABLE' })
      }
    })
    .finally(() => {
      run.endedAtMs = Date.now()
      changed()
    })
  return run
}
