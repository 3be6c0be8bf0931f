import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HOUR_MS } from '#src/domain/provider-stats.ts'
import { FIRST_MODEL, readFirstModelFile } from '#test/helpers/models.ts'
import { createModelRoutes, errorOf, TIME_SCALE } from './model-routes.ts'

let routes: ReturnType<typeof createModelRoutes>
beforeEach(() => {
  routes = createModelRoutes()
})
afterEach(() => routes.app.close())

interface OfferingJson {
  readonly config_key: string
  readonly performance: object | null
  readonly performance_by_window: Record<string, { requests: number } | null> | null
  readonly performance_by_hour?: object[]
}

const offerings = async (path = FIRST_MODEL, query = '') => {
  const { status, text } = await routes.get(`/v1/models/${path}/providers${query}`)
  expect(status).toBe(200)
  return (JSON.parse(text) as { data: OfferingJson[] }).data
}

const falPrices = {
  url: 'https://fal.ai/models/fal-ai/nano-banana-2/llms.txt',
  checked_at: '2026-11-20',
  confidence: 'primary',
}

describe('GET /v1/models/{id}/providers', () => {
  it('lists every offering with its prices, the file’s figures and its health', async () => {
    const { text } = await routes.get(`/v1/models/${FIRST_MODEL}/providers`)
    const { data, ...list } = JSON.parse(text) as { data: OfferingJson[] }
    expect(list).toEqual({ object: 'list', model: FIRST_MODEL })
    expect(data.map(({ config_key }) => config_key)).toEqual(routes.configKeys)
    expect(data[2]).toEqual({
      provider: 'fal',
      provider_name: 'fal.ai',
      config_key: `fal/${FIRST_MODEL}`,
      provider_model_id: 'fal-ai/nano-banana-2',
      modes: ['text_to_image'],
      regions: [],
      available: true,
      deprecated_at: null,
      shutdown_at: null,
      notes: [],
      pricing: [
        {
          metric: 'output_image',
          unit: 'image',
          currency: 'USD',
          usd_by_resolution: { '0.5K': 0.06, '1K': 0.08, '2K': 0.12, '4K': 0.16 },
          source: falPrices,
        },
        {
          metric: 'request',
          unit: 'request',
          currency: 'USD',
          usd: 0.015,
          when: { enable_web_search: true },
          source: falPrices,
        },
        {
          metric: 'request',
          unit: 'request',
          currency: 'USD',
          usd: 0.002,
          when: { thinking_level: 'high' },
          source: falPrices,
        },
      ],
      performance: {
        source: 'model_file',
        window_days: 30,
        p50_ms: 45725,
        p95_ms: 92378,
        mean_ms: 47416,
        success_rate: 0.923,
        requests: 285,
        time_to_first_byte_p50_ms: 45725,
        time_to_first_byte_p95_ms: 92439,
        rate_limited: null,
        refused: null,
        live_requests: 0,
      },
      performance_by_window: null,
      health: { status: 'ok', until: null, in_flight: 2 },
    })
  })

  it('tells which providers are not configured', async () => {
    routes.world.health = undefined
    const [, vertex] = await offerings()
    expect(vertex).toMatchObject({
      provider_name: 'vertex',
      available: false,
      health: { status: 'not_configured', until: null, in_flight: 0 },
    })
  })

  it('tells until when a provider is left alone', async () => {
    const untilMs = Date.parse('2026-11-20T13:00:01.500Z')
    routes.world.health = { status: 'rate_limited', untilMs, inFlight: 0 }
    expect((await offerings())[0]).toMatchObject({
      health: { status: 'rate_limited', until: '2026-11-20T13:00:01.500Z', in_flight: 0 },
    })
  })

  it('shows what was measured, in real milliseconds, once twenty attempts count', async () => {
    routes.world.history = async () => [
      routes.hourOf(1, 3, { outage: 1, rate_limited: 2, refused: 1 }),
      routes.hourOf(100, 8),
      routes.hourOf(600, 5, { empty: 3 }),
    ]
    const [gemini, vertex] = await offerings()
    expect(gemini?.performance).toEqual({
      source: 'live',
      window_days: 30,
      p50_ms: expect.closeTo(3_000, -3),
      p95_ms: expect.closeTo(3_000, -3),
      mean_ms: 3_000,
      success_rate: 0.8,
      requests: 20,
      time_to_first_byte_p50_ms: expect.closeTo(2_500, -3),
      time_to_first_byte_p95_ms: expect.closeTo(2_800, -3),
      rate_limited: 2,
      refused: 1,
      live_requests: 20,
    })
    const windows = gemini?.performance_by_window
    expect(['24h', '7d', '30d'].map((window) => windows?.[window]?.requests)).toEqual([4, 12, 20])
    expect(vertex).toMatchObject({
      performance: { source: 'model_file' },
      performance_by_window: null,
    })
  })

  it('shows the file’s figures beside the few attempts that were made until then', async () => {
    routes.world.history = async () => [routes.hourOf(1, 18, { outage: 1 })]
    const [gemini] = await offerings()
    expect(gemini).toMatchObject({
      performance: { source: 'model_file', requests: 1413, live_requests: 19 },
      performance_by_window: { '30d': { requests: 19, success_rate: 0.9474 } },
    })
  })

  it('asks the history for 30 days of all offerings', async () => {
    await offerings()
    expect(routes.world.reads).toEqual([
      {
        configKeys: routes.configKeys,
        sinceMs: routes.routingClock.nowMs() - 30 * 24 * HOUR_MS,
      },
    ])
  })

  it('shows the file’s figures while only refusals and rate limits are known', async () => {
    routes.world.history = async () => [routes.hourOf(2, 0, { rate_limited: 9 })]
    const [gemini] = await offerings()
    expect(gemini).toMatchObject({
      performance: { source: 'model_file', rate_limited: null },
      performance_by_window: { '30d': { requests: 0, success_rate: null, rate_limited: 9 } },
    })
  })

  it('has no figures where nothing was measured and the file has none', async () => {
    const { offerings: listed, ...file } = readFirstModelFile()
    const bare = createModelRoutes({
      ...file,
      offerings: listed.map(({ performance: _, ...offering }) => offering),
    })
    const { text } = await bare.get(`/v1/models/${FIRST_MODEL}/providers`)
    await bare.app.close()
    const { data } = JSON.parse(text) as { data: OfferingJson[] }
    expect(data.map(({ performance }) => performance)).toEqual([null, null, null, null, null])
  })

  it('adds the hours when asked for them', async () => {
    routes.world.history = async () => [routes.hourOf(1, 3, { timeout: 1 }), routes.hourOf(5, 2)]
    const [gemini, vertex] = await offerings(FIRST_MODEL, '?history=hour')
    const at = (hoursAgo: number) => new Date(routes.hourMs(hoursAgo) / TIME_SCALE).toISOString()
    expect(gemini?.performance_by_hour).toMatchObject([
      { at: at(5), requests: 2, success_rate: 1, p50_ms: expect.closeTo(3_000, -3) },
      { at: at(1), requests: 4, success_rate: 0.75 },
    ])
    expect(vertex?.performance_by_hour).toEqual([])
    expect((await offerings())[0]).not.toHaveProperty('performance_by_hour')
    const { status, text } = await routes.get(`/v1/models/${FIRST_MODEL}/providers?history=day`)
    expect([status, errorOf(text).param]).toEqual([400, 'history'])
  })

  it('falls back to the file’s figures when the history cannot be read', async () => {
    routes.world.history = async () => {
      throw new Error('connection lost')
    }
    expect((await offerings())[0]?.performance).toMatchObject({ source: 'model_file' })
    expect(routes.world.warnings).toEqual([{ model: FIRST_MODEL, reason: 'connection lost' }])
  })

  it('reads the history once for all who ask at about the same time', async () => {
    await Promise.all([offerings(), offerings(), routes.get(`/v1/models/${FIRST_MODEL}/llms.txt`)])
    expect(routes.world.reads).toHaveLength(1)
    routes.clock.advance(999)
    await offerings()
    expect(routes.world.reads).toHaveLength(1)
    routes.clock.advance(1)
    await offerings()
    expect(routes.world.reads).toHaveLength(2)
  })

  it.each([
    'gemini-3.1-flash-image',
    `fal/${FIRST_MODEL}-edit`,
    `fal/${FIRST_MODEL}`,
    `fal%2F${FIRST_MODEL}`,
  ])('takes the name %s', async (name) => {
    expect(await offerings(name)).toHaveLength(5)
    expect(await offerings(name, '/?history=')).toHaveLength(5)
  })

  it('is MODEL_NOT_FOUND for an unknown model, as the model itself is', async () => {
    const [part, whole] = await Promise.all(
      ['/v1/models/gemini-3.1-flash-imag/providers', '/v1/models/gemini-3.1-flash-imag'].map(
        (path) => routes.get(path),
      ),
    )
    expect(part?.status).toBe(404)
    expect(errorOf(part?.text ?? '').code).toBe('MODEL_NOT_FOUND')
    expect(part?.text).toBe(whole?.text)
  })
})
