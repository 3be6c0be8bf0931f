import type { EmulatorContext } from '#test/emulators/create-emulator.ts'
import type { FileBehaviour } from '#test/emulators/file-host.ts'
import { type JobTimeline, planJob } from '#test/emulators/job-timeline.ts'
import type { Outcome } from '#test/emulators/outcome.ts'
import type { Picture } from '#test/emulators/picture.ts'
import type { FalErrorCode, Fault, Scenario } from '#test/emulators/scenario.ts'
import { jsonReply, type WireReply } from '#test/emulators/wire.ts'
import { type FalFailure, failureOfCode, platformFailure } from './fal-errors.ts'
import { type FalOrder, readFalOrder } from './fal-input.ts'
import type { FalExtra, FalModel } from './fal-model.ts'

/** How a job ends. */
export interface FalEnding {
  /** What the result URL answers. */
  readonly reply: WireReply
  /** Absent: it succeeded. */
  readonly failure?: FalFailure
}

/** One queued request. */
export interface FalJob {
  readonly id: string
  /** `owner/app`, without the sub-path of the endpoint: so fal writes it in the job's URLs. */
  readonly application: string
  readonly timeline: JobTimeline
  /** Whether a cancellation comes too late for a job that is running. */
  readonly finishesDespiteCancel: boolean
  readonly ending: Promise<FalEnding>
}

export interface FalSubmission {
  readonly endpoint: string
  readonly model: FalModel
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  readonly outcome: Outcome
}

const FILE_BEHAVIOUR: Readonly<Partial<Record<Fault, FileBehaviour>>> = {
  dead_file: 'dead',
  bad_file: 'html',
  slow_drip: 'drip',
}

/** Life of the outputs in real ms; `Infinity`: for ever, which is fal's default. */
const fileLifeMs = (
  headers: Readonly<Record<string, string>>,
  scenario: Scenario,
  timeScale: number,
): number => {
  const preference = headers['x-fal-object-lifecycle-preference'] ?? ''
  const seconds = /"expiration_duration_seconds"\s*:\s*(\d+)/.exec(preference)?.[1]
  const ms = seconds === undefined ? scenario.outputUrlTtlMs : Number(seconds) * 1_000
  return ms === undefined ? Number.POSITIVE_INFINITY : ms / timeScale
}

interface Production {
  readonly context: EmulatorContext
  readonly submission: FalSubmission
  readonly scenario: Scenario
}

const publish = (picture: Picture, index: number, order: FalOrder, production: Production) => {
  const { context, submission, scenario } = production
  const fileName = `output${index > 0 ? `_${index}` : ''}.${order.format}`
  const lifeMs = fileLifeMs(submission.headers, scenario, context.timeScale)
  const { fault } = submission.outcome
  const url = (): string => {
    const path = context.files.store(context.random.text(20), fileName, {
      bytes: picture.bytes,
      mediaType: picture.mediaType,
      expiresAt: Date.now() + lifeMs,
      behaviour: (fault && FILE_BEHAVIOUR[fault]) ?? 'sound',
    })
    return context.url() + path
  }
  const shape = submission.model.picture
  return {
    url: order.isInline
      ? `data:${picture.mediaType};base64,${picture.base64.characters.toString('latin1')}`
      : url(),
    content_type: picture.mediaType,
    ...(shape === 'Image' ? {} : { file_name: fileName, file_size: picture.bytes.length }),
    ...(shape === 'File' ? {} : order.size),
  }
}

const produceImages = async (order: FalOrder, production: Production): Promise<object[]> => {
  const { context, scenario } = production
  const pictures = await Promise.all(
    Array.from({ length: order.count }, (_, index) =>
      context.pictures.make({
        provider: context.id,
        prompt: order.prompt,
        size: order.size,
        seed: (order.seed ?? 0) + index,
        inputs: order.inputs,
        format: order.format,
        ...(scenario.imageSizeBytes === undefined ? {} : { sizeBytes: scenario.imageSizeBytes }),
      }),
    ),
  )
  return pictures.map((picture, index) => publish(picture, index, order, production))
}

/** fal's own seeds, when none is given, are of this size. */
const SEED_RANGE = 2 ** 31

const answerExtras = (order: FalOrder, images: readonly object[], production: Production) => {
  const { context, submission } = production
  const values: Readonly<Record<FalExtra, () => unknown>> = {
    description: () => '',
    seed: () => order.seed ?? Math.floor(context.random.uniform() * SEED_RANGE),
    timings: () => ({ inference: submission.outcome.latencyMs / 1_000 }),
    has_nsfw_concepts: () => images.map(() => false),
    prompt: () => order.prompt,
    revised_prompt: () => order.prompt,
  }
  return Object.fromEntries(submission.model.extras.map((extra) => [extra, values[extra]()]))
}

const failureOfFault = (fault: Fault | undefined, input: unknown): FalFailure | undefined => {
  if (fault === 'refusal') return failureOfCode('content_policy_violation', input)
  if (fault === 'no_image') return failureOfCode('no_media_generated', input)
  if (fault?.startsWith('job_failed:')) {
    return failureOfCode(fault.slice('job_failed:'.length) as FalErrorCode, input)
  }
  return undefined
}

const finish = async (production: Production): Promise<FalEnding> => {
  const { model, body, outcome } = production.submission
  const rejectsUnknown = production.scenario.rejectUnknownInput ?? false
  const order = await readFalOrder(model, body, rejectsUnknown)
  if ('reply' in order) return { reply: order.reply, failure: order }
  const failure = failureOfFault(outcome.fault, body)
  if (failure) return { reply: failure.reply, failure }
  const images = outcome.fault === 'empty_list' ? [] : await produceImages(order, production)
  const headers = { 'x-fal-billable-units': String(images.length * order.unitsPerImage) }
  const extras = answerExtras(order, images, production)
  return { reply: jsonReply(200, { images, ...extras }, headers) }
}

/** Scaled ms until which a job has to be started; `Infinity`: no limit was given. */
const startLimitMs = (headers: Readonly<Record<string, string>>, timeScale: number): number => {
  const seconds = Number(headers['x-fal-request-timeout'])
  return seconds > 0 ? (seconds * 1_000) / timeScale : Number.POSITIVE_INFINITY
}

const NOT_STARTED = platformFailure('request_timeout', {
  'x-fal-request-timeout-type': 'user',
})

/** Takes a request in. Its input is checked by the model, not by the queue: a bad one is a job that fails. */
export const startFalJob = (submission: FalSubmission, context: EmulatorContext): FalJob => {
  const scenario = context.scenario()
  const planned = planJob(submission.outcome, scenario, context.timeScale)
  const limitMs = planned.createdMs + startLimitMs(submission.headers, context.timeScale)
  const isTooLate = planned.startsMs > limitMs
  const timeline = isTooLate
    ? { createdMs: planned.createdMs, startsMs: limitMs, finishesMs: limitMs }
    : planned
  const ending = isTooLate
    ? Promise.resolve({ reply: NOT_STARTED.reply, failure: NOT_STARTED })
    : finish({ context, submission, scenario })
  // Awaited by the first poll that finds the job finished; until then a failure must not count as unhandled.
  ending.catch(() => undefined)
  return {
    id: uuid(context),
    application: submission.endpoint.split('/').slice(0, 2).join('/'),
    timeline,
    finishesDespiteCancel: scenario.cancelKeepsRunning ?? false,
    ending,
  }
}

/** Random id of the form that fal's request ids have, reproducible by the seed. */
const uuid = (context: EmulatorContext): string => {
  const digits = Array.from({ length: 32 }, () =>
    Math.floor(context.random.uniform() * 16).toString(16),
  ).join('')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
