import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { KeptJob, RunClaim, RunOrder } from '#src/domain/run-store.ts'

/** Ids of runs have 64 hexadecimal digits. */
export const runIdOf = (n: number): string => n.toString(16).padStart(64, '0')

export const claimOf = (n: number, part: Partial<RunClaim> = {}): RunClaim => ({
  runId: runIdOf(n),
  fingerprint: 'what was asked',
  requestId: `request-${n}`,
  ...part,
})

export const orderOf = (n: number, part: Partial<RunOrder> = {}): RunOrder => ({
  requestId: `request-${n}`,
  keyId: 'key',
  endpoint: '/openai/v1/images/generations',
  mode: 'text_to_image',
  modelId: 'google/painter',
  wanted: { responseFormat: 'url', outputFormat: 'webp', outputCompression: 80, keepForMs: 1 },
  count: 2,
  createdAtMs: 1_000,
  nonce: '0123456789',
  deadlineAtMs: 61_000,
  webhookUrl: 'https://example.org/hook',
  baseUrl: 'https://gateway.example.org',
  user: 'ann',
  ...part,
})

export const jobOf = (attemptId: string, part: Partial<KeptJob> = {}): KeptJob => ({
  attemptId,
  configKey: 'fal/painter',
  provider: 'fal',
  providerModelId: 'fal-ai/painter',
  job: { id: `job-of-${attemptId}` },
  count: 1,
  keepsAll: true,
  cost: 40_000,
  warnings: [{ type: 'adjusted', param: 'size', message: 'The size was rounded.' }],
  createdAtMs: 2_000,
  ...part,
})

/** An answer with images; its request's id tells it apart. */
export const answerOf = (requestId: string): Extract<KeptAnswer, { kind: 'images' }> => ({
  kind: 'images',
  images: [
    {
      file: 'some-image.webp',
      format: 'webp',
      size: { width: 1024, height: 768 },
      sizeBytes: 12_345,
      revisedPrompt: 'what it made of it',
    },
  ],
  requestId,
  requestNonce: '0123456789',
  createdAtMs: 3_000,
  mode: 'text_to_image',
  modelId: 'google/painter',
  responseFormat: 'url',
  configKey: 'fal/painter',
  provider: 'fal',
  attempts: [
    {
      provider: 'gemini',
      configKey: 'gemini/painter',
      status: 'failed',
      errorCode: 'RATE_LIMITED',
      durationMs: 12.5,
    },
    { provider: 'fal', configKey: 'fal/painter', status: 'completed', durationMs: 900 },
  ],
  usage: { outputTokens: 1_290 },
  warnings: [],
  cost: 40_000,
  isPartial: true,
})

export const REFUSAL: KeptAnswer = {
  kind: 'error',
  code: 'CONTENT_POLICY_VIOLATION',
  message: 'No.',
  status: 400,
  param: 'prompt',
}
