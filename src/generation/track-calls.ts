import type { BusyCount } from '#src/domain/busy-count.ts'
import type { ProviderAdapter } from '#src/domain/provider-adapter.ts'

/**
 * The same adapter, its calls counted until they have settled. A call outlives its request when the client leaves: it
 * still has an upstream job to cancel, and the process must not end before.
 */
export const trackCalls = (adapter: ProviderAdapter, busy: BusyCount): ProviderAdapter => ({
  ...adapter,
  generate: async (call) => {
    const leave = busy.enter()
    try {
      return await adapter.generate(call)
    } finally {
      leave()
    }
  },
})
