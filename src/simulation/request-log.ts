import type { ResolutionTier } from '#src/domain/media.ts'

/** What became of one simulated request. */
export interface RequestRecord {
  readonly index: number
  readonly arrivedMs: number
  /** Whether its prompt is one that every provider refuses. */
  readonly isRefused: boolean
  /** How large a picture it asks for. */
  readonly tier: ResolutionTier
  /** Absent: it is still under way. */
  end?: { readonly atMs: number; readonly result: 'image' | 'refused' | 'failed' }
  /** Attempts begun for it, rate limits and probes not counted. */
  attempts: number
  rateLimits: number
  /** Index of the provider that was tried first; absent: none was. */
  firstProvider?: number
  /** What was told to the exchange while it was decided where this request goes. */
  exchangesInDecisions: number
  /** Every generation that ran to its end, wanted or not, probes and hedges included. */
  usd: number
}

export const newRecord = (
  request: Pick<RequestRecord, 'index' | 'arrivedMs' | 'isRefused' | 'tier'>,
): RequestRecord => ({
  ...request,
  attempts: 0,
  rateLimits: 0,
  exchangesInDecisions: 0,
  usd: 0,
})
