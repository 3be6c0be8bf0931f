import { describe, expect, it } from 'vitest'
import { RESOLUTION_TIERS } from '#src/domain/media.ts'
import { MODES } from '#src/domain/model-card.ts'
import { HISTORY_MS, HOUR_MS } from '#src/domain/provider-stats.ts'
import { createMemoryHistory } from '#src/state/memory/memory-performance-history.ts'
import { success, testCell } from './stats-recorder.ts'

describe('the memory of hours', () => {
  it('is bounded to thirty days', async () => {
    const history = createMemoryHistory()
    const hours = HISTORY_MS / HOUR_MS
    for (let hour = 0; hour < 2 * hours; hour += 1) history.record(success(hour * HOUR_MS))
    history.record(success(0))
    const records = await history.read(['gemini/painter'], 0)
    expect(records).toHaveLength(hours)
    expect(records.every(({ counts }) => counts.success === 1)).toBe(true)
    expect(Math.min(...records.map(({ hourMs }) => hourMs))).toBe(hours * HOUR_MS)
  })

  it('leaves what was read as it was when more happens', async () => {
    const history = createMemoryHistory()
    const read = async () => (await history.read(['gemini/painter'], 0))[0]
    history.record(success(0))
    const first = await read()
    const before = structuredClone(first)
    history.record(success(0))
    history.record(success(0))
    expect(first).toEqual(before)
    expect((await read())?.counts.success).toBe(3)
  })

  it('hands a busy month out in no time', async () => {
    const history = createMemoryHistory()
    const cells = MODES.flatMap((mode) =>
      RESOLUTION_TIERS.map((tier) => testCell('gemini/painter', { mode, tier })),
    )
    for (const cell of cells) {
      for (let hour = 0; hour < HISTORY_MS / HOUR_MS; hour += 1) {
        history.record(success(hour * HOUR_MS, { cell }))
      }
    }
    const [first] = await history.read(['gemini/painter'], 0)
    const records = await history.read(['gemini/painter'], 0)
    expect(records).toHaveLength(8 * 720)
    // Not copied: that took a third of a second for five of them.
    expect(records[0]).toBe(first)
  })
})
