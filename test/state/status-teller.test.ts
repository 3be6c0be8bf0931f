import { describe, expect, it } from 'vitest'
import type { SharingStatus } from '#src/state/stats-sharing.ts'
import { createStatusTeller } from '#src/state/status-teller.ts'

const GOOD = { trouble: undefined }
const full = { trouble: { kind: 'OOM', reason: 'full' } }
const lost = (reason = 'lost') => ({ trouble: { kind: 'unreachable', reason } })

describe('the status of sharing', () => {
  const create = () => {
    const told: SharingStatus[] = []
    return { told, teller: createStatusTeller((status) => told.push(status)) }
  }

  it('is told at the start and once per change', () => {
    const { told, teller } = create()
    for (const result of [GOOD, GOOD, full, full, full, GOOD, GOOD]) teller.learn(result)
    expect(told).toEqual([
      { isShared: true },
      { isShared: false, reason: 'full' },
      { isShared: true },
    ])
  })

  it('does not change for one exchange that fails', () => {
    const { told, teller } = create()
    for (const result of [GOOD, lost(), GOOD, full, GOOD]) teller.learn(result)
    expect(told).toEqual([{ isShared: true }])
  })

  it('is told at once when nothing was shared yet', () => {
    const { told, teller } = create()
    teller.learn(lost())
    expect(told).toEqual([{ isShared: false, reason: 'lost' }])
  })

  it('is told anew for another kind of trouble, not for other words', () => {
    const { told, teller } = create()
    for (const result of [lost(), lost('gone'), full, lost('gone')]) teller.learn(result)
    expect(told.map(({ reason }) => reason)).toEqual(['lost', 'full', 'gone'])
  })

  it('stays while a connection is made again', () => {
    const { told, teller } = create()
    teller.started()
    for (const result of [GOOD, full, 'pending', 'pending', full, GOOD] as const)
      teller.learn(result)
    expect(told.map(({ reason }) => reason)).toEqual([
      'Redis cannot be reached',
      undefined,
      'full',
      undefined,
    ])
  })

  it('says so when the gateway itself fails', () => {
    const { told, teller } = create()
    teller.failed(new TypeError('secret'))
    expect(told).toEqual([
      { isShared: false, reason: 'the exchange failed in the gateway (TypeError)' },
    ])
  })
})
