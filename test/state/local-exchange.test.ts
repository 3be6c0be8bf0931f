import { describe, expect, it } from 'vitest'
import { createLocalExchange } from '#src/state/local-exchange.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createStatsRecorder } from './stats-recorder.ts'

describe('the exchange of a gateway that is alone', () => {
  it('grants every probe that is wanted', () => {
    const sharing = createLocalExchange({ clock: createFakeClock(), timeScale: 1 })
    const recorder = createStatsRecorder()
    sharing.attach(recorder)
    recorder.wanted = ['painter:fal', 'painter:gemini']
    sharing.tick(0)
    expect(recorder.granted).toEqual(['painter:fal', 'painter:gemini'])
  })

  it('grants them by itself once it was started, until it is closed', async () => {
    const sharing = createLocalExchange({ clock: createFakeClock(), timeScale: 1_000 })
    const recorder = createStatsRecorder()
    sharing.attach(recorder)
    recorder.wanted = ['painter:fal']
    await sharing.start()
    await expect.poll(() => recorder.granted.length).toBeGreaterThan(1)
    await sharing.close()
    const { length } = recorder.granted
    await expect.poll(() => recorder.granted.length, { interval: 50 }).toBe(length)
  })

  it('takes health without telling anybody', () => {
    const sharing = createLocalExchange({ clock: createFakeClock(), timeScale: 1 })
    sharing.exchange.shareHealth({ key: 'painter:fal', resumeBegunMs: 1 })
    sharing.tick(0)
  })
})
