import { spoilAnswer } from '#test/emulators/answer-fault.ts'
import { setBounded } from '#test/emulators/bounded-map.ts'
import type { EmulatorContext, ProviderDefinition } from '#test/emulators/create-emulator.ts'
import { EMULATOR_KEYS } from '#test/emulators/emulator.ts'
import { jobPhase } from '#test/emulators/job-timeline.ts'
import type { AnswerFault, Fault } from '#test/emulators/scenario.ts'
import {
  jsonReply,
  pause,
  silence,
  type WireReply,
  type WireRequest,
} from '#test/emulators/wire.ts'
import {
  falBalanceGone,
  falErrors,
  falNotFound,
  falRateLimited,
  falTooEarly,
  falUnauthorized,
  falUnknownApplication,
  platformFailure,
} from './fal-errors.ts'
import { type FalJob, startFalJob } from './fal-job.ts'
import { FAL_MODELS } from './fal-models.ts'
import { describeEndpoint } from './fal-openapi.ts'
import { describeStatus, jobUrls, streamStatus } from './fal-status.ts'
import { uploadRoutes } from './fal-uploads.ts'

/** Finished jobs beyond this number are forgotten, oldest first. */
const MAX_JOBS = 5_000

type Handler = (request: WireRequest) => WireReply | Promise<WireReply>

const authorized =
  (handle: Handler): Handler =>
  (request) =>
    request.headers.authorization === `Key ${EMULATOR_KEYS.fal}`
      ? handle(request)
      : falUnauthorized()

/** Faults that come before the job is queued; `undefined`: it is queued. */
const refuseEarly = (fault: Fault | undefined, context: EmulatorContext): WireReply | undefined => {
  switch (fault) {
    case 'hang_at_create':
      return silence
    case 'bad_key':
      return falUnauthorized()
    case 'quota_exhausted':
      return falBalanceGone()
    case 'rate_limited_with_hint':
      return falRateLimited({ 'retry-after': String(context.retryAfterSeconds()) })
    case 'rate_limited':
    case 'server_error':
    case 'stalled_error':
    case 'unavailable':
    case 'gateway_timeout':
      return spoilAnswer(fault, silence, falErrors)
    default:
      return undefined
  }
}

/** Faults that spoil the answer to the submission; the job runs all the same. */
const CREATE_ANSWER_FAULTS: readonly (string | undefined)[] = [
  'reset_before_answer',
  'reset_inside_answer',
  'malformed_body',
  'truncated_body',
]

const countQueued = (jobs: Iterable<FalJob>): number =>
  [...jobs].filter((job) => jobPhase(job.timeline) === 'queued').length

const submit =
  (jobs: Map<string, FalJob>, context: EmulatorContext): Handler =>
  async (request) => {
    const endpoint = request.parameters.endpoint ?? ''
    const model = FAL_MODELS[endpoint]
    if (!model) return falUnknownApplication(endpoint)
    const maxQueue = Number(request.query.get('fal_max_queue_length') ?? Number.POSITIVE_INFINITY)
    if (countQueued(jobs.values()) > maxQueue) return falRateLimited()
    const outcome = context.draw()
    const early = refuseEarly(outcome.fault, context)
    if (early) {
      await pause(outcome.fastFailureMs, request.signal)
      return early
    }
    const { headers, json: body } = request
    const job = startFalJob({ endpoint, model, headers, body, outcome }, context)
    setBounded(jobs, job.id, job, MAX_JOBS)
    context.openJobs.open(job.id)
    request.call.jobId = job.id
    const queued = {
      status: 'IN_QUEUE',
      request_id: job.id,
      gateway_request_id: job.id,
      ...jobUrls(job, context.url()),
      queue_position: 0,
    }
    const reply = jsonReply(200, queued, { 'x-fal-request-id': job.id })
    return CREATE_ANSWER_FAULTS.includes(outcome.fault)
      ? spoilAnswer(outcome.fault as AnswerFault, reply, falErrors)
      : reply
  }

const readResult = async (job: FalJob, context: EmulatorContext): Promise<WireReply> => {
  const phase = jobPhase(job.timeline)
  if (phase === 'queued' || phase === 'running') return falTooEarly()
  context.openJobs.settle(job.id)
  if (phase === 'cancelled') return platformFailure('client_cancelled').reply
  const { reply } = await job.ending
  return { ...reply, headers: { ...reply.headers, 'x-fal-request-id': job.id } }
}

/** A failed job has no result to be fetched: its status tells the end. */
const hasFailed = async (job: FalJob): Promise<boolean> =>
  jobPhase(job.timeline) === 'finished' && (await job.ending).failure !== undefined

const cancel = (job: FalJob, context: EmulatorContext): WireReply => {
  const phase = jobPhase(job.timeline)
  context.openJobs.settle(job.id)
  if (phase === 'finished' || phase === 'cancelled') {
    return jsonReply(400, { status: 'ALREADY_COMPLETED' })
  }
  const isTooLate = phase === 'running' && job.finishesDespiteCancel
  if (!isTooLate) job.timeline.cancelledMs = performance.now()
  return jsonReply(202, { status: 'CANCELLATION_REQUESTED' })
}

/** The queue of fal with its file host. */
export const falEmulator: ProviderDefinition = {
  id: 'fal',
  errors: falErrors,
  notFound: (request) => falUnknownApplication(request.path.slice(1)),
  routes(context) {
    const jobs = new Map<string, FalJob>()
    const withJob = (
      handle: (job: FalJob, request: WireRequest) => WireReply | Promise<WireReply>,
    ) =>
      authorized((request) => {
        const job = jobs.get(request.parameters.id ?? '')
        // The URLs carry owner and app only; with a sub-path, or under another app, the request is unknown.
        if (!job || job.application !== request.parameters.application) return falNotFound()
        request.call.jobId = job.id
        return handle(job, request)
      })
    const path = (suffix: string): RegExp =>
      new RegExp(`^/(?<application>[^/]+/[^/]+)/requests/(?<id>[^/]+)${suffix}$`)
    const status = withJob(async (job, request) => {
      if (await hasFailed(job)) context.openJobs.settle(job.id)
      return describeStatus(job, request, context.url())
    })
    const stream = withJob((job, request) => streamStatus(job, request, context.url()))
    return [
      ...uploadRoutes(context, authorized),
      // On fal.ai in reality, and public.
      {
        method: 'GET',
        pattern: /^\/api\/openapi\/queue\/openapi\.json$/,
        kind: 'other',
        handle: describeEndpoint,
      },
      { method: 'GET', pattern: path('/status'), kind: 'poll', handle: status },
      { method: 'GET', pattern: path('/status/stream'), kind: 'poll', handle: stream },
      {
        method: 'GET',
        pattern: path(''),
        kind: 'result',
        handle: withJob((job) => readResult(job, context)),
      },
      {
        method: 'PUT',
        pattern: path('/cancel'),
        kind: 'cancel',
        handle: withJob((job) => cancel(job, context)),
      },
      {
        method: 'POST',
        pattern: /^\/(?<endpoint>(?!storage\/)[^/]+\/[^/]+(?:\/[^/]+)*)$/,
        kind: 'create',
        handle: authorized(submit(jobs, context)),
      },
    ]
  },
}
