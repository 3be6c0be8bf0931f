import { startTestGateway, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import { type OtlpCollector, type SpanTree, startOtlpCollector, treesOf } from './otlp-collector.ts'
import type { ReceivedSpan } from './otlp-protobuf.ts'

/** A gateway that tells a collector of its own what it does. */
export interface TracedGateway extends TestGateway {
  readonly collector: OtlpCollector
  /** Ends the gateway, which sends the last spans; all that have come. */
  endSpans(): Promise<readonly ReceivedSpan[]>
  /** The same as trees. */
  endTrees(): Promise<readonly SpanTree[]>
}

/** `timeScale`: divides all durations of emulators and gateway. */
export const startTracedGateway = async (
  environment: Record<string, string> = {},
  timeScale = 100,
): Promise<TracedGateway> => {
  const collector = await startOtlpCollector()
  const gateway = await startTestGateway({
    timeScale,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...environment },
  })
  let closing: Promise<void> | undefined
  const closeOnce = (): Promise<void> => {
    closing ??= gateway.close()
    return closing
  }
  const endSpans = async () => {
    await closeOnce()
    return collector.spans
  }
  return {
    ...gateway,
    collector,
    endSpans,
    endTrees: async () => treesOf(await endSpans()),
    close: async () => {
      await closeOnce()
      await collector.close()
    },
  }
}
