import { providerModule } from '#providers/vertex/index.ts'
import { describeProviderAdapter } from '#test/contract/provider-adapter-contract.ts'

const call = {
  providerModelId: 'gemini-3.1-flash-image',
  input: { responseModalities: ['TEXT', 'IMAGE'] },
}

describeProviderAdapter({
  id: 'vertex',
  module: providerModule,
  generate: call,
  edit: call,
  imageField: { field: 'image', isList: true },
  failures: {
    rate_limited: { kind: 'rate_limited', workMayExist: false },
    rate_limited_with_hint: { kind: 'rate_limited', workMayExist: false, retryAfterMs: 260 },
    quota_exhausted: { kind: 'quota', workMayExist: false },
    bad_key: { kind: 'auth', workMayExist: false },
    server_error: { kind: 'overloaded', workMayExist: false },
    stalled_error: { kind: 'overloaded', workMayExist: true },
    unavailable: { kind: 'overloaded', workMayExist: false },
    gateway_timeout: { kind: 'timeout', workMayExist: true },
    reset_before_answer: { kind: 'network', workMayExist: true },
    reset_inside_answer: { kind: 'network', workMayExist: true },
    malformed_body: { kind: 'bad_response', workMayExist: true },
    truncated_body: { kind: 'bad_response', workMayExist: true },
    refusal: { kind: 'content_rejected', workMayExist: false },
    refusal_output: { kind: 'content_rejected', workMayExist: true },
    no_image: { kind: 'empty_result', workMayExist: true },
    text_only: { kind: 'empty_result', workMayExist: true },
    empty_list: { kind: 'bad_response', workMayExist: true },
  },
  harmless: ['slow_drip'],
  endless: ['hang'],
  hasJobs: false,
  drafting: {
    responseModalities: ['TEXT', 'IMAGE'],
    thinkingConfig: { thinkingLevel: 'HIGH', includeThoughts: true },
  },
})
