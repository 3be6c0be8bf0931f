import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestGateway, TEST_KEY, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import { runMixed } from './mixed-run.ts'
import {
  hasPrometheus,
  promtool,
  type RunningPrometheus,
  startPrometheus,
} from './prometheus-tools.ts'
import { panelQueries, ruleQueries } from './promql-names.ts'

const ADMIN_KEY = 'admin-key-of-prometheus'
const root = new URL('../../', import.meta.url).pathname

/** Panels of what did not happen: no probe was sent. */
const MAY_BE_EMPTY = ['Probes']

describe.skipIf(!hasPrometheus)('promtool (skipped where Debian’s prometheus is not)', () => {
  it('finds the configuration and the rules sound', () => {
    const { status, output } = promtool([
      'check',
      'config',
      `${root}docker/prometheus/prometheus.yml`,
    ])
    expect(status, output).toBe(0)
  })

  it('finds that rules and alerts do what they are there for', () => {
    const { status, output } = promtool(['test', 'rules', `${root}test/observability/rules.yml`])
    expect(status, output).toBe(0)
  })
})

describe.skipIf(!hasPrometheus)('a real Prometheus (skipped where there is none)', () => {
  let gateway: TestGateway
  let prometheus: RunningPrometheus
  beforeAll(async () => {
    gateway = await startTestGateway({ environment: { GATEWAY_ADMIN_KEY: ADMIN_KEY } })
    prometheus = await startPrometheus(gateway.url, ADMIN_KEY)
    const answers = (query: string) =>
      vi.waitFor(async () => expect(await prometheus.query(query)).toHaveLength(1), {
        timeout: 20_000,
        interval: 200,
      })
    // A rate needs what was before.
    await runMixed(gateway)
    await answers('fresnel_images_total > 0')
    await runMixed(gateway)
    await answers('sum(rate(fresnel_images_total[5m])) > 0')
    await answers('job:fresnel_requests_served:rate5m > 0')
    await answers('model:fresnel_time_to_image_seconds:p95_5m > 0')
  }, 90_000)
  afterAll(async () => {
    await prometheus?.close()
    await gateway?.close()
  })

  it('reads the metrics without a complaint, and so does promtool', async () => {
    expect(await prometheus.scrapeError()).toBe('')
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const text = await (await fetch(`${gateway.url}/metrics`, { headers })).text()
    expect(text).not.toContain(TEST_KEY)
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' })
  })

  it.each(panelQueries().map(({ place, query }) => [place, query]))(
    'answers what the panel %s asks: %s',
    async (place, query) => {
      const values = async () =>
        (await prometheus.query(query)).map(({ value }) => Number(value[1]))
      // Garbage collection, for one, comes when it comes.
      if (!MAY_BE_EMPTY.includes(place)) {
        await expect.poll(values, { timeout: 20_000 }).not.toEqual([])
      }
      expect(await values()).not.toContain(Number.NaN)
    },
  )

  it.each(ruleQueries().map(({ place, query }) => [place, query]))(
    'understands the rule %s: %s',
    async (_, query) => {
      await expect(prometheus.query(query)).resolves.toBeInstanceOf(Array)
    },
  )
})
