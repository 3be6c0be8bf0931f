import { describe, expect, it } from 'vitest'
import { createByteBudget } from '#src/bytes/byte-budget.ts'
import type { RunStore } from '#src/domain/run-store.ts'
import { acceptedRunId } from '#src/generation/run-id.ts'
import { findRequestResult } from '#src/http/request-result.ts'
import { sampleRecord } from '#test/state/request-log-samples.ts'
import { answerOf } from '#test/state/run-samples.ts'

const answer = answerOf('mine')
const { kind: _kind, ...facts } = answer
const results = {
  runs: {
    read: async (runId: string) => (runId === acceptedRunId('k', 'mine') ? answer : undefined),
  } as unknown as RunStore,
  openKeptImages: async () => [],
}
const find = (part: object) =>
  findRequestResult(
    sampleRecord('mine', { keyId: 'k', nonce: answer.requestNonce, ...part }),
    results,
    createByteBudget({ limitBytes: 1 }).openAccount(),
  )

describe('the result of a request', () => {
  it('is what was kept for it', async () => {
    expect(await find({})).toEqual({ ...facts, images: [] })
  })

  it.each([
    ['that another one made under its id', { nonce: 'ffffffffff' }],
    ['of another key', { keyId: 'l' }],
    ['while it is pending', { status: 'pending' }],
  ])('is none %s', async (_which, part) => {
    expect(await find(part)).toBeUndefined()
  })
})
