import { setTimeout as sleep } from 'node:timers/promises'
import { readSamples, total } from '#test/observability/read-metrics.ts'

const MB = 1_000_000

/** What the gateway's process holds when nothing is under way, its garbage collected. */
export interface Held {
  readonly rssMb: number
  readonly heapMb: number
  /** Buffers, and what libraries hold outside the heap. */
  readonly externalMb: number
  readonly openFiles: number
}

/** What must be 0 when no request is under way. */
const IDLE_GAUGES = [
  'fresnel_requests_in_flight',
  'fresnel_detached_requests',
  'fresnel_attempts_in_flight',
  'fresnel_in_flight_bytes',
  'fresnel_image_queue',
  'fresnel_webhooks_under_way',
] as const

const scrape = async (adminUrl: string) =>
  readSamples(await (await fetch(`${adminUrl}/metrics`)).text())

/** Gauges that are not 0, by name. */
export const busyGauges = async (adminUrl: string): Promise<Record<string, number>> => {
  const samples = await scrape(adminUrl)
  const values = IDLE_GAUGES.map((name) => [name, total(samples, name)] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== 0))
}

/** Resolves once nothing is under way, or after so many ms. */
export const untilIdle = async (adminUrl: string, limitMs: number): Promise<void> => {
  const endMs = performance.now() + limitMs
  while (performance.now() < endMs) {
    if (Object.keys(await busyGauges(adminUrl)).length === 0) return
    await sleep(200)
  }
}

/** Looks at a process that was started with `collect-garbage.ts`. */
export const measureHeld = async (adminUrl: string, collect: () => void): Promise<Held> => {
  collect()
  await sleep(1_500)
  const samples = await scrape(adminUrl)
  const megabytes = (name: string): number => Math.round((total(samples, name) / MB) * 10) / 10
  return {
    rssMb: megabytes('process_resident_memory_bytes'),
    heapMb: megabytes('nodejs_heap_size_used_bytes'),
    externalMb: megabytes('nodejs_external_memory_bytes'),
    openFiles: total(samples, 'process_open_fds'),
  }
}
