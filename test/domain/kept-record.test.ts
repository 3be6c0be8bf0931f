import { describe, expect, it } from 'vitest'
import { keepRecord, recordText, unfoldRecord } from '#src/domain/kept-record.ts'
import type { ExplainedDecision } from '#src/domain/request-record.ts'
import { fullRecord } from '#test/state/request-log-samples.ts'

const record = fullRecord('a')

describe('keepRecord', () => {
  it('keeps a record that has ended so that it comes back the same', () => {
    const kept = keepRecord(record)
    expect(typeof kept.routing).toBe('string')
    expect(unfoldRecord(kept)).toEqual(record)
    expect(JSON.parse(recordText(kept))).toEqual(JSON.parse(JSON.stringify(record)))
  })

  it('shows the choices of a pending request that are made after it was kept', () => {
    const decisions: ExplainedDecision[] = []
    const kept = keepRecord({
      ...record,
      status: 'pending',
      routing: { ...record.routing, decisions },
    })
    decisions.push(...record.routing.decisions)
    expect(unfoldRecord(kept).routing).toEqual(record.routing)
    expect(JSON.parse(recordText(kept)).routing.decisions).toHaveLength(decisions.length)
  })
})
