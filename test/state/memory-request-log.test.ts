import { describe, expect, it } from 'vitest'
import type { RequestRecord } from '#src/domain/request-record.ts'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'

const record = (id: string, part: Partial<RequestRecord> = {}): RequestRecord => ({
  id,
  createdAtMs: 0,
  endpoint: '/openai/v1/images/generations',
  mode: 'text_to_image',
  model: 'm',
  status: 'completed',
  attempts: [],
  cost: 0,
  durationMs: 1,
  routing: { sort: 'balanced', decisions: [], excluded: [] },
  ...part,
})

describe('the log of requests in memory', () => {
  it("keeps each key's requests apart, though clients choose the ids", async () => {
    const log = createMemoryRequestLog()
    const [first, second] = [record('same', { keyId: 'a' }), record('same', { keyId: 'b' })]
    log.add(first)
    log.add(second)
    expect(await log.find('same', 'a')).toBe(first)
    expect(await log.find('same', 'b')).toBe(second)
    expect(await log.find('same', undefined)).toBeUndefined()
    expect(await log.findOfAnyone('same')).toBe(second)
    expect(await log.findOfAnyone('other')).toBeUndefined()
  })

  it('forgets the oldest', async () => {
    const log = createMemoryRequestLog(2)
    for (const id of ['one', 'two', 'three']) log.add(record(id))
    expect(await log.find('one', undefined)).toBeUndefined()
    expect(await log.find('two', undefined)).toBeDefined()
  })
})
