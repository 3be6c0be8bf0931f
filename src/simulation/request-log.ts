/** What became of one simulated request. */
export interface RequestRecord {
  readonly index: number
  readonly arrivedMs: number
  /** Whether its prompt is one that every provider refuses. */
  readonly isRefused: boolean
  /** Absent: it is still under way. */
  end?: { readonly atMs: number; readonly result: 'image' | 'refused' | 'failed' }
  /** Attempts begun for it, rate limits and probes not counted. */
  attempts: number
  rateLimits: number
  /** Index of the provider that was tried first; absent: none was. */
  firstProvider?: number
  /** Every generation that ran to its end, wanted or not, probes and hedges included. */
  usd: number
}

export const newRecord = (index: number, arrivedMs: number, isRefused: boolean): RequestRecord => ({
  index,
  arrivedMs,
  isRefused,
  attempts: 0,
  rateLimits: 0,
  usd: 0,
})
