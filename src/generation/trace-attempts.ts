import { usdFromMicroUsd } from '#src/domain/money.ts'
import type { ProviderAdapter, ProviderAnswer, SendUpstream } from '#src/domain/provider-adapter.ts'
import { type SpanFacts, type Tracer, traced } from '#src/domain/tracer.ts'
import type { Attempt, AttemptTarget, AttemptWork } from '#src/routing/attempt.ts'

/** What is known of whom an attempt is made at. */
interface TracedOffering {
  readonly provider: string
  readonly configKey: string
  readonly providerModelId: string
}

/** A cancelled attempt has not failed: its client left, or another one was faster. */
const factsOfAttempt = ({ status, failure, fault, cost }: Attempt): SpanFacts => {
  const errorType = fault?.code ?? (status === 'cancelled' ? undefined : failure?.kind)
  const { upstreamStatus: httpStatus, providerRequestId } = failure?.details ?? {}
  return {
    outcome: status,
    ...(errorType !== undefined && { errorType }),
    ...(httpStatus !== undefined && { httpStatus }),
    ...(providerRequestId !== undefined && { providerRequestId }),
    costUsd: usdFromMicroUsd(cost),
  }
}

/** The part of an attempt's work that has it traced; nothing when nothing is. */
export const traceAttempts = <Target extends AttemptTarget>(
  tracer: Tracer | undefined,
  purpose: 'request' | 'adoption',
  offeringOf: (target: Target) => TracedOffering,
): Pick<AttemptWork<unknown, unknown, Target>, 'observe'> => {
  if (!tracer?.isOn) return {}
  return {
    observe: (target, { id, count, isProbe }, make) => {
      const { provider, configKey, providerModelId } = offeringOf(target)
      return traced(
        tracer,
        {
          type: 'attempt',
          attemptId: id,
          provider,
          configKey,
          providerModelId,
          count,
          purpose: isProbe ? 'probe' : purpose,
        },
        async (span) => {
          const result = await make()
          span.note(factsOfAttempt(result.attempt))
          return result
        },
      )
    },
  }
}

const factsOfAnswer = ({ providerRequestId, usage }: ProviderAnswer): SpanFacts => ({
  ...(providerRequestId !== undefined && { providerRequestId }),
  ...(usage && { usage }),
})

/** The same adapter; what its answers tell besides their images is noted at the attempt. */
export const traceAnswers = (adapter: ProviderAdapter, tracer: Tracer): ProviderAdapter => {
  if (!tracer.isOn) return adapter
  const noted =
    <Call>(run: (call: Call) => Promise<ProviderAnswer>) =>
    async (call: Call): Promise<ProviderAnswer> => {
      const answer = await run(call)
      tracer.active().note(factsOfAnswer(answer))
      return answer
    }
  return {
    ...adapter,
    generate: noted((call) => adapter.generate(call)),
    // Left out where there is none, as its presence says that the provider has jobs.
    ...(adapter.adopt !== undefined && { adopt: noted(adapter.adopt.bind(adapter)) }),
  }
}

/**
 * The same transport; each request tells the provider which trace it is part of. All that is sent by it goes to providers'
 * own APIs: pictures are fetched another way, which tells nobody.
 */
export const traceUpstream = (send: SendUpstream, tracer: Tracer): SendUpstream => {
  if (!tracer.isOn) return send
  return (request) => {
    tracer.active().note({ serverUrl: request.url })
    return send({ ...request, headers: { ...request.headers, ...tracer.headers() } })
  }
}
