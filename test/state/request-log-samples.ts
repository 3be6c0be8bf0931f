import type { RequestRecord } from '#src/domain/request-record.ts'

/** Wall-clock ms at which the logs under test begin. */
export const START_MS = Date.parse('2026-11-20T12:00:00Z')

/** Of every sample that is given no other. */
export const NONCE = '0123456789'

export const sampleRecord = (id: string, part: Partial<RequestRecord> = {}): RequestRecord => ({
  id,
  createdAtMs: START_MS,
  nonce: NONCE,
  endpoint: '/openai/v1/images/generations',
  mode: 'text_to_image',
  model: 'google/painter',
  status: 'completed',
  attempts: [],
  cost: 0,
  durationMs: 1,
  routing: { sort: 'balanced', decisions: [], excluded: [] },
  ...part,
})

/** A record with everything in it that one can have, as large as they usually are. */
export const fullRecord = (id: string, part: Partial<RequestRecord> = {}): RequestRecord =>
  sampleRecord(id, {
    mode: 'image_edit',
    provider: 'vertex',
    attempts: [
      {
        provider: 'gemini',
        configKey: 'gemini/painter',
        status: 'failed',
        errorCode: 'RATE_LIMITED',
        durationMs: 412,
      },
      {
        provider: 'vertex',
        configKey: 'vertex/painter',
        status: 'completed',
        durationMs: 24_011,
      },
    ],
    cost: 67_000,
    durationMs: 24_423,
    overheadMs: 12.3,
    errorCode: 'TIMEOUT',
    errorMessage: 'It took too long — really.',
    user: 'somebody ü',
    keyId: 'key_0123456789ab',
    sessionId: 'session 1',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    usage: { inputTokens: 12, outputTokens: 1120, totalTokens: 1132 },
    requestSizeBytes: 210,
    responseSizeBytes: 412,
    routing: {
      sort: 'latency',
      decisions: [
        {
          afterMs: 1,
          type: 'try',
          reason: 'best',
          chosen: 'gemini/painter',
          timeoutMs: 90_000,
          candidates: ['gemini', 'vertex', 'fal', 'replicate'].map((provider, index) => ({
            configKey: `${provider}/painter`,
            standing: 'usable' as const,
            tries: 0,
            shortcomings: 0,
            score: index === 3 ? Number.POSITIVE_INFINITY : 31.234_567_891 * (index + 1),
            crowding: 1,
            timeCost: 30.123_456_789,
            moneyCost: 0.067,
            attemptCost: 0.1,
            success: 0.987_654_321,
            inTime: 0.999,
            successSeconds: 29.871_234,
            failureSeconds: 3.123_4,
            firstInFlight: 2,
            slowStartLimit: 100,
            ...(index === 2 && { untilMs: START_MS + 5_000 }),
          })),
        },
        { afterMs: 500, type: 'wait', waitMs: 200, candidates: [] },
        { afterMs: 700, type: 'stop', reason: 'exhausted', candidates: [] },
      ],
      excluded: [
        { configKey: 'fal/painter', constraint: 'provider.ignore', reason: 'is to be ignored' },
      ],
    },
    ...part,
  })
