import type { EmulatorContext } from '#test/emulators/create-emulator.ts'
import type { FileBehaviour } from '#test/emulators/file-host.ts'
import { isoTime, type JobTimeline, jobPhase, planJob } from '#test/emulators/job-timeline.ts'
import type { Outcome } from '#test/emulators/outcome.ts'
import type { Fault, ReplicateErrorCode, Scenario } from '#test/emulators/scenario.ts'
import { failureText } from './replicate-errors.ts'
import { type FindUpload, type ReplicateOrder, readReplicateOrder } from './replicate-input.ts'
import type { ReplicateModel } from './replicate-model.ts'

/** How a prediction ends when nobody cancels it. */
export interface PredictionEnding {
  readonly status: 'succeeded' | 'failed' | 'canceled' | 'aborted'
  /** One URL, a list of them, or null when there is none. */
  readonly output: string | readonly string[] | null
  readonly error: string | null
}

/** One prediction of an official model. */
export interface Prediction {
  readonly id: string
  /** `owner/name`. */
  readonly model: string
  readonly input: Readonly<Record<string, unknown>>
  readonly timeline: JobTimeline
  readonly ending: Promise<PredictionEnding>
  /** Monotonic ms at which Replicate itself ends it; absent: no deadline was asked for. */
  readonly deadlineMs?: number
}

export interface PredictionOrder {
  /** `owner/name`. */
  readonly name: string
  readonly model: ReplicateModel
  readonly input: Readonly<Record<string, unknown>>
  readonly outcome: Outcome
  /** Real ms until the deadline; absent: none. */
  readonly cancelAfterMs?: number
  readonly findUpload: FindUpload
}

/**
 * Inputs, outputs and logs of predictions made by API are removed after an hour
 * (https://replicate.com/docs/topics/predictions/data-retention).
 */
const RETENTION_MS = 3_600_000

const FILE_BEHAVIOUR: Readonly<Partial<Record<Fault, FileBehaviour>>> = {
  dead_file: 'dead',
  bad_file: 'html',
  slow_drip: 'drip',
}

const lifeMs = (scenario: Scenario, timeScale: number): number =>
  (scenario.outputUrlTtlMs ?? RETENTION_MS) / timeScale

const failed = (error: string): PredictionEnding => ({ status: 'failed', output: null, error })

const endingOfFault = (
  fault: Fault | undefined,
  context: EmulatorContext,
): PredictionEnding | undefined => {
  if (fault === 'no_image') return { status: 'succeeded', output: null, error: null }
  if (fault === 'empty_list') return { status: 'succeeded', output: [], error: null }
  const code = fault === 'refusal' ? 'E005' : /^job_failed:(.+)$/.exec(fault ?? '')?.[1]
  if (code === undefined) return undefined
  if (code === 'canceled' || code === 'aborted') return { status: code, output: null, error: null }
  type Code = Exclude<ReplicateErrorCode, 'canceled' | 'aborted'>
  return failed(failureText(code as Code, context.random.text(9)))
}

const drawOutput = async (
  order: ReplicateOrder,
  fault: Fault | undefined,
  context: EmulatorContext,
  scenario: Scenario,
  finishesAt: number,
  index: number,
): Promise<string> => {
  const picture = await context.pictures.make({
    provider: context.id,
    prompt: order.prompt,
    size: order.size,
    seed: (order.seed ?? 0) + index,
    inputs: order.inputs,
    format: order.format,
    ...(scenario.imageSizeBytes === undefined ? {} : { sizeBytes: scenario.imageSizeBytes }),
  })
  const name = `tmp${context.random.text(8)}.${order.format === 'jpeg' ? 'jpg' : order.format}`
  const path = context.files.store(context.random.text(24), name, {
    bytes: picture.bytes,
    mediaType: picture.mediaType,
    expiresAt: finishesAt + lifeMs(scenario, context.timeScale),
    behaviour: (fault && FILE_BEHAVIOUR[fault]) ?? 'sound',
  })
  return context.url() + path
}

const finish = async (
  order: PredictionOrder,
  timeline: JobTimeline,
  context: EmulatorContext,
): Promise<PredictionEnding> => {
  const scenario = context.scenario()
  const { fault } = order.outcome
  const read = await readReplicateOrder(order.model, order.input, order.findUpload)
  if (typeof read === 'string') return failed(read)
  const ending = endingOfFault(fault, context)
  if (ending) return ending
  const runMs = Math.max(0, timeline.finishesMs - performance.now())
  const finishesAt = Date.now() + (Number.isFinite(runMs) ? runMs : 0)
  const urls = await Promise.all(
    Array.from({ length: read.count }, (_, index) =>
      drawOutput(read, fault, context, scenario, finishesAt, index),
    ),
  )
  const isList = order.model.output === 'list' || scenario.arrayOutput
  return { status: 'succeeded', output: isList ? urls : (urls[0] ?? null), error: null }
}

/** Begins a prediction. */
export const startPrediction = (order: PredictionOrder, context: EmulatorContext): Prediction => {
  const timeline = planJob(order.outcome, context.scenario(), context.timeScale)
  const ending = finish(order, timeline, context)
  // Awaited by the first look that finds it finished; until then a failure must not count as unhandled.
  ending.catch(() => undefined)
  const { cancelAfterMs, name: model, input } = order
  const id = context.random.text(26)
  if (cancelAfterMs === undefined) return { id, model, input, timeline, ending }
  const deadlineMs = timeline.createdMs + cancelAfterMs
  if (timeline.finishesMs > deadlineMs) timeline.cancelledMs = deadlineMs
  return { id, model, input, timeline, ending, deadlineMs }
}

/** True when it will not change any more. */
export const isEnded = (prediction: Prediction): boolean =>
  ['finished', 'cancelled'].includes(jobPhase(prediction.timeline))

/** Ended before its start it is aborted and free, afterwards cancelled and billed (changelog of 2025-10-16). */
const cancelledEnding = ({ cancelledMs = 0, startsMs }: JobTimeline): PredictionEnding => ({
  status: cancelledMs < startsMs ? 'aborted' : 'canceled',
  output: null,
  error: null,
})

const currentState = async (prediction: Prediction) => {
  const { timeline } = prediction
  const phase = jobPhase(timeline)
  if (phase === 'queued') return { status: 'starting', output: null, error: null }
  if (phase === 'running') return { status: 'processing', output: null, error: null }
  return phase === 'cancelled' ? cancelledEnding(timeline) : prediction.ending
}

const metricsOf = ({ createdMs, startsMs }: JobTimeline, endedMs: number) => ({
  predict_time: Math.max(0, endedMs - startsMs) / 1_000,
  total_time: (endedMs - createdMs) / 1_000,
})

const urlsOf = (id: string, origin: string) => ({
  cancel: `${origin}/v1/predictions/${id}/cancel`,
  get: `${origin}/v1/predictions/${id}`,
  stream: `${origin}/stream/${id}`,
  web: `https://replicate.com/p/${id}`,
})

/** The prediction as the API shows it now, or as it was when it had just been created. */
export const describePrediction = async (
  prediction: Prediction,
  context: EmulatorContext,
  isNew = false,
): Promise<object> => {
  const { id, model, input, timeline, deadlineMs } = prediction
  const { createdMs, startsMs, finishesMs, cancelledMs } = timeline
  const nowMs = performance.now()
  const fresh = { status: 'starting', output: null, error: null }
  const state = isNew ? fresh : await currentState(prediction)
  const hasStarted = !isNew && state.status !== 'starting' && state.status !== 'aborted'
  const endedMs = Math.min(finishesMs, cancelledMs ?? Number.POSITIVE_INFINITY)
  const hasEnded = !isNew && isEnded(prediction)
  const isRemoved = hasEnded && nowMs - endedMs > RETENTION_MS / context.timeScale
  return {
    id,
    model,
    version: 'hidden',
    input: isRemoved ? {} : input,
    logs: '',
    output: isRemoved ? null : state.output,
    data_removed: isRemoved,
    error: state.error,
    status: state.status,
    created_at: isoTime(createdMs),
    started_at: hasStarted ? isoTime(startsMs) : null,
    completed_at: hasEnded ? isoTime(endedMs) : null,
    ...(deadlineMs === undefined ? {} : { deadline: isoTime(deadlineMs) }),
    ...(hasEnded ? { metrics: metricsOf(timeline, endedMs) } : {}),
    urls: urlsOf(id, context.url()),
  }
}
