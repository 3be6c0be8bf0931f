import { isoTime, type JobPhase, jobPhase } from '#test/emulators/job-timeline.ts'
import { jsonReply, pause, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { platformFailure } from './fal-errors.ts'
import type { FalJob } from './fal-job.ts'

/** The URLs of a job, on the queue's own origin. */
export const jobUrls = (job: FalJob, origin: string) => {
  const base = `${origin}/${job.application}/requests/${job.id}`
  return { response_url: base, status_url: `${base}/status`, cancel_url: `${base}/cancel` }
}

const logLines = (job: FalJob, hasLogs: boolean) =>
  hasLogs
    ? [
        {
          message: `request ${job.id}`,
          level: 'INFO',
          source: 'run',
          timestamp: isoTime(job.timeline.startsMs),
          labels: {},
        },
      ]
    : null

const CANCELLED = platformFailure('client_cancelled')

/** A failed or cancelled job is COMPLETED too: only `error` and `error_type` tell. */
const describeEnding = async (job: FalJob, phase: JobPhase) => {
  const failure = phase === 'cancelled' ? CANCELLED : (await job.ending).failure
  return failure ? { error: failure.message, error_type: failure.type } : {}
}

const statusBody = async (job: FalJob, phase: JobPhase, request: WireRequest, origin: string) => {
  const logs = logLines(job, request.query.get('logs') === '1')
  const identity = { request_id: job.id, ...jobUrls(job, origin) }
  if (phase === 'queued') return { status: 'IN_QUEUE', ...identity, queue_position: 0 }
  if (phase === 'running') return { status: 'IN_PROGRESS', ...identity, logs }
  const endedMs = Math.min(job.timeline.finishesMs, job.timeline.cancelledMs ?? Infinity)
  const seconds = Math.max(0, endedMs - job.timeline.startsMs) / 1_000
  return {
    status: 'COMPLETED',
    ...identity,
    logs,
    metrics: { inference_time: seconds },
    ...(await describeEnding(job, phase)),
  }
}

const isOver = (phase: JobPhase): boolean => phase === 'finished' || phase === 'cancelled'

/** 202 while the job is queued or running, 200 afterwards. */
export const describeStatus = async (
  job: FalJob,
  request: WireRequest,
  origin: string,
): Promise<WireReply> => {
  const phase = jobPhase(job.timeline)
  const body = await statusBody(job, phase, request, origin)
  return jsonReply(isOver(phase) ? 200 : 202, body, { 'x-fal-request-id': job.id })
}

/** Longest wait before a stream looks again whether the job was cancelled. */
const LOOK_AGAIN_MS = 50

async function* statusEvents(job: FalJob, request: WireRequest, origin: string) {
  let sent: JobPhase | undefined
  for (;;) {
    const phase = jobPhase(job.timeline)
    if (phase !== sent) {
      yield `data: ${JSON.stringify(await statusBody(job, phase, request, origin))}\n\n`
      if (isOver(phase)) return
      sent = phase
    }
    const nextMs = phase === 'queued' ? job.timeline.startsMs : job.timeline.finishesMs
    const leftMs = nextMs - performance.now()
    await pause(Math.min(LOOK_AGAIN_MS, Math.max(1, leftMs)), request.signal)
  }
}

/** Server-sent events of the same objects, one for each change. */
export const streamStatus = (job: FalJob, request: WireRequest, origin: string): WireReply => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream', 'x-fal-request-id': job.id },
  body: statusEvents(job, request, origin),
})
