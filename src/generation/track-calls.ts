import type { BusyCount } from '#src/domain/busy-count.ts'
import type { ProviderAdapter } from '#src/domain/provider-adapter.ts'

/**
 * The same adapter, its calls counted until they have settled. A call outlives its request when the client leaves: it
 * still has an upstream job to cancel, and the process must not end before.
 */
export const trackCalls = (adapter: ProviderAdapter, busy: BusyCount): ProviderAdapter => {
  const counted =
    <Call, Answer>(run: (call: Call) => Promise<Answer>) =>
    async (call: Call): Promise<Answer> => {
      const leave = busy.enter()
      try {
        return await run(call)
      } finally {
        leave()
      }
    }
  return {
    ...adapter,
    generate: counted((call) => adapter.generate(call)),
    // Left out where there is none, as its presence says that the provider has jobs.
    ...(adapter.adopt !== undefined && { adopt: counted(adapter.adopt.bind(adapter)) }),
  }
}
