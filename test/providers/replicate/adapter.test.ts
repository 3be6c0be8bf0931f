import { providerModule } from '#providers/replicate/index.ts'
import { describeProviderAdapter } from '#test/contract/provider-adapter-contract.ts'

const call = { providerModelId: 'google/nano-banana-2', input: {} }

describeProviderAdapter({
  id: 'replicate',
  module: providerModule,
  generate: call,
  edit: call,
  imageField: { field: 'image_input', isList: true },
  failures: {
    rate_limited: { kind: 'rate_limited', workMayExist: false },
    rate_limited_with_hint: { kind: 'rate_limited', workMayExist: false, retryAfterMs: 260 },
    quota_exhausted: { kind: 'quota', workMayExist: false },
    bad_key: { kind: 'auth', workMayExist: false },
    server_error: { kind: 'overloaded', workMayExist: false },
    stalled_error: { kind: 'overloaded', workMayExist: true },
    unavailable: { kind: 'overloaded', workMayExist: false },
    gateway_timeout: { kind: 'overloaded', workMayExist: false },
    reset_before_answer: { kind: 'network', workMayExist: true },
    reset_inside_answer: { kind: 'network', workMayExist: true },
    malformed_body: { kind: 'bad_response', workMayExist: true },
    truncated_body: { kind: 'bad_response', workMayExist: true },
    refusal: { kind: 'content_rejected', workMayExist: true },
    no_image: { kind: 'empty_result', workMayExist: true },
    empty_list: { kind: 'empty_result', workMayExist: true },
    'job_failed:E001': { kind: 'overloaded', workMayExist: false },
    'job_failed:E002': { kind: 'overloaded', workMayExist: false },
    'job_failed:E003': { kind: 'overloaded', workMayExist: false },
    'job_failed:E004': { kind: 'overloaded', workMayExist: false },
    'job_failed:E005': { kind: 'content_rejected', workMayExist: true },
    'job_failed:PA': { kind: 'overloaded', workMayExist: true },
    'job_failed:E1000': { kind: 'bad_response', workMayExist: true },
    'job_failed:E1001': { kind: 'overloaded', workMayExist: true },
    'job_failed:E6716': { kind: 'overloaded', workMayExist: false },
    'job_failed:E8765': { kind: 'overloaded', workMayExist: true },
    'job_failed:E9828': { kind: 'overloaded', workMayExist: true },
    'job_failed:canceled': { kind: 'timeout', workMayExist: true },
    'job_failed:aborted': { kind: 'timeout', workMayExist: false },
  },
  // Files are fetched by the gateway, after the adapter is done.
  harmless: ['slow_drip', 'dead_file', 'bad_file'],
  endless: ['hang', 'hang_at_create'],
  hasJobs: true,
})
