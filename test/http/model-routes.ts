import fastify from 'fastify'
import { createCatalog } from '#src/catalog/catalog.ts'
import {
  HOUR_MS,
  type HourRecord,
  latencyBinOf,
  noCounts,
  type OutcomeCounts,
  type PerformanceHistory,
} from '#src/domain/provider-stats.ts'
import { createRoutingClock } from '#src/domain/routing-clock.ts'
import { createPerformanceReader } from '#src/http/performance-reader.ts'
import { registerErrorHandler } from '#src/http/plugins/error-handler.ts'
import type { ProviderHealth } from '#src/http/provider-health.ts'
import { registerModelPage } from '#src/http/routes/model-page.ts'
import { registerModelProviders } from '#src/http/routes/model-providers.ts'
import { registerModels } from '#src/http/routes/models.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { FIRST_MODEL, readFirstModelFile } from '#test/helpers/models.ts'

export const TIME_SCALE = 10
const START_MS = Date.parse('2026-11-20T12:30:00Z')

/** What the routes under test are told; a test changes it. */
export interface ModelWorld {
  history: PerformanceHistory['read']
  health: ProviderHealth | undefined
  /** How the history was asked. */
  readonly reads: { configKeys: readonly string[]; sinceMs: number }[]
  readonly warnings: object[]
}

/** An hour of the first offering with images that took 30 s of routing's time. */
const createHour = (hourMs: number, success: number, part: Partial<OutcomeCounts>): HourRecord => {
  const logLatency = Math.log(30_000)
  return {
    configKey: `gemini/${FIRST_MODEL}`,
    mode: 'text_to_image',
    tier: '1K',
    hourMs,
    counts: {
      ...noCounts(),
      success,
      logLatency: success * logLatency,
      logLatencySquared: success * logLatency ** 2,
      successMs: success * 30_000,
      ...part,
    },
    latencyBins: success > 0 ? { [latencyBinOf(30_000)]: success } : {},
    firstByteBins: success > 0 ? { [latencyBinOf(25_000)]: success } : {},
  }
}

/** All routes of models on a server of their own, with Gemini and fal configured. */
export const createModelRoutes = (file = readFirstModelFile()) => {
  const clock = createFakeClock(START_MS)
  const routingClock = createRoutingClock(clock, TIME_SCALE)
  const catalog = createCatalog([file])
  const configuredProviders = new Set(['gemini', 'fal'])
  const world: ModelWorld = {
    history: async () => [],
    health: { status: 'ok', inFlight: 2 },
    reads: [],
    warnings: [],
  }
  const performance = createPerformanceReader({
    history: {
      read: (configKeys, sinceMs) => {
        world.reads.push({ configKeys, sinceMs })
        return world.history(configKeys, sinceMs)
      },
    },
    clock: routingClock,
    logger: { warn: (details) => world.warnings.push(details) },
  })
  const providerNames = new Map([
    ['gemini', 'Gemini API'],
    ['fal', 'fal.ai'],
  ])
  const app = fastify({ routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 } })
  app.decorateRequest('trace', null)
  registerErrorHandler(app)
  const models = { catalog, configuredProviders }
  for (const prefix of ['/openai/v1', '/v1']) {
    app.register(async (scope) => registerModels(scope, models), { prefix })
  }
  const shared = { ...models, providerNames, performance }
  app.register(
    async (scope) => {
      registerModelProviders(scope, { ...shared, healthOf: () => world.health })
      registerModelPage(scope, { ...shared, publicBaseUrl: undefined })
    },
    { prefix: '/v1' },
  )
  const thisHourMs = () => Math.floor(routingClock.nowMs() / HOUR_MS) * HOUR_MS
  return {
    app,
    clock,
    routingClock,
    world,
    configKeys: catalog.models[0]?.offerings.map(({ configKey }) => configKey) ?? [],
    /** Start of an hour of routing's time. */
    hourMs: (hoursAgo: number) => thisHourMs() - hoursAgo * HOUR_MS,
    hourOf: (hoursAgo: number, success: number, part: Partial<OutcomeCounts> = {}) =>
      createHour(thisHourMs() - hoursAgo * HOUR_MS, success, part),
    get: async (url: string) => {
      const { statusCode, headers, body } = await app.inject({
        url,
        headers: { host: 'images.example' },
      })
      return { status: statusCode, type: headers['content-type'], text: body }
    },
  }
}

export const errorOf = (text: string) =>
  (JSON.parse(text) as { error: { code: string; param: string | null; message: string } }).error
