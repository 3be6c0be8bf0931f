import { describe, expect, it } from 'vitest'
import { createMetrics } from '#src/telemetry/create-metrics.ts'
import { readSamples, total } from '#test/observability/read-metrics.ts'

const labels = (name: string) => ({
  model: [name],
  provider: ['fal'],
  offering: [`fal/${name}`],
  param: ['none'],
})

describe('metrics that learn of another catalogue', () => {
  const setUp = () => {
    const metrics = createMetrics({ catalog: labels('old'), version: '1.2.3' })
    const images = metrics.counter('fresnel_images_total')
    const read = async (model: string) =>
      total(readSamples(await metrics.render()), 'fresnel_images_total', { model })
    return { metrics, images, read }
  }

  it('count what they knew on, and what is new under its own name, through what was asked for before', async () => {
    const { metrics, images, read } = setUp()
    images({ model: 'old' }, 2)
    images({ model: 'new' }, 3)
    metrics.extend(labels('new'))
    images({ model: 'old' }, 4)
    images({ model: 'new' }, 5)
    expect([await read('old'), await read('new'), await read('other')]).toEqual([6, 5, 3])
  })

  it('have the new names at zero at once, where alerts count', async () => {
    const { metrics } = setUp()
    metrics.extend(labels('new'))
    const text = await metrics.render()
    expect(text).toContain('fresnel_images_total{model="new"} 0')
    expect(text).toContain('fresnel_images_total{model="old"} 0')
  })

  it('forget a gauge when they are told to, and set it again', async () => {
    const { metrics } = setUp()
    const place = { provider: 'fal', model: 'old' }
    metrics.set('fresnel_attempts_in_flight', place, 7)
    metrics.clear('fresnel_attempts_in_flight')
    expect(await metrics.render()).not.toContain('fresnel_attempts_in_flight{')
    metrics.set('fresnel_attempts_in_flight', place, 1)
    expect(await metrics.render()).toContain(
      'fresnel_attempts_in_flight{provider="fal",model="old"} 1',
    )
  })
})
