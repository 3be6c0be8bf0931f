import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasRedisServer, startRedis } from '#test/helpers/redis-server.ts'
import { benchOptions } from './bench-options.ts'
import type { Benchmark, Goal, Table } from './benchmark.ts'
import { formatFigure } from './print-report.ts'
import { generationTarget, type Side, startFresnel } from './sides.ts'
import { type Stage, withStage } from './stage.ts'
import {
  describeValues,
  inFlight,
  medianOf,
  type Rounds,
  ratioOf,
  ratiosOf,
  takeRounds,
} from './turns.ts'

/** What a gateway has that is long in use. */
const LOG_ENTRIES = 10_000
const KEYS = 200
const MODELS = 40
const DAYS = 30

/** What a new one has: as many requests, for its code to be compiled alike, of which the log keeps few. */
const FEW_ENTRIES = 100

/** Requests for each model on each day. */
const PER_DAY = Math.ceil(LOG_ENTRIES / DAYS / MODELS)

const DAY_MS = 86_400_000
const WORK = { provider: 'gemini', responseFormat: 'b64_json' } as const

const MODEL_FILE = 'src/catalog/models/google--gemini-3.1-flash-image-preview.json'

interface ModelFile {
  readonly card: object
  readonly offerings: readonly { readonly configKey: string; readonly extends?: string }[]
}

const modelName = (index: number): string => `bench-model-${index}`

/** Copies of the first model under other names. */
const writeModels = async (folder: string): Promise<void> => {
  const text = await readFile(join(benchOptions.gatewayFolder, MODEL_FILE), 'utf8')
  const file = JSON.parse(text) as ModelFile
  const original = 'gemini-3.1-flash-image-preview'
  for (let index = 1; index < MODELS; index += 1) {
    const id = modelName(index)
    const card = { ...file.card, id, name: id, aliases: [], alternativeNames: [] }
    const rename = (configKey: string): string => configKey.replace(original, id)
    const offerings = file.offerings.map(({ configKey, extends: base, ...offering }) => ({
      ...offering,
      configKey: rename(configKey),
      ...(base !== undefined && { extends: rename(base) }),
    }))
    await writeFile(join(folder, `${id}.json`), JSON.stringify({ ...file, card, offerings }))
  }
}

/** Beside the one that requests use. */
const writeKeys = (file: string): Promise<void> => {
  const keys = Array.from({ length: KEYS }, (_, index) => ({ key: `key-of-client-${index}` }))
  return writeFile(file, JSON.stringify({ keys }))
}

const usedEnvironment = async (folder: string): Promise<Record<string, string>> => {
  const [models, keys] = [join(folder, 'models'), join(folder, 'keys.json')]
  await mkdir(models)
  await writeModels(models)
  await writeKeys(keys)
  return {
    MODELS_DIR: models,
    CONFIG_FILE: keys,
    REQUEST_LOG_MAX: String(LOG_ENTRIES),
    REQUEST_LOG_DAYS: '60',
  }
}

const fill = (stage: Stage, side: Side, target: Side['target'], count: number) =>
  stage.load({ ...side.target, body: target.body }, { kind: 'count', inFlight: 8, count })

/** A day after the other, requests for each model: the gateway's clock is set, so that it takes no month. */
const liveThroughMonth = async (stage: Stage, side: Side): Promise<void> => {
  for (let day = DAYS - 1; day >= 0; day -= 1) {
    await side.observe('setClockBack', day * DAY_MS)
    for (let index = 1; index < MODELS; index += 1) {
      const target = generationTarget(side.target.origin, WORK, modelName(index))
      await fill(stage, side, target, PER_DAY)
    }
    await fill(stage, side, side.target, PER_DAY)
  }
}

/** Rejects unless the gateway shows a month of what it lived through, of the first of the copies as of any. */
const checkMonth = async ({ target }: Side): Promise<void> => {
  const { origin, headers } = target
  const response = await fetch(`${origin}/v1/models/${modelName(1)}/providers`, { headers })
  const { data } = (await response.json()) as {
    data: readonly { performance: { requests: number } }[]
  }
  const seen = data[0]?.performance.requests ?? 0
  if (seen < DAYS * PER_DAY) throw new Error(`Of a month there are ${seen} requests.`)
}

/** A new gateway and one long in use, otherwise alike. */
const startPair = async (
  stage: Stage,
  folder: string,
  redisUrls: readonly string[],
): Promise<readonly Side[]> => {
  const { keep, upstreamPort } = stage
  const redis = (index: number) => {
    const url = redisUrls[index]
    return url === undefined ? {} : { REDIS_URL: url }
  }
  const fresh = { REQUEST_LOG_MAX: String(FEW_ENTRIES), ...redis(0) }
  const used = { ...(await usedEnvironment(folder)), ...redis(1) }
  const sides = [
    await keep(startFresnel(upstreamPort, WORK, fresh)),
    await keep(startFresnel(upstreamPort, WORK, used)),
  ] as const
  await stage.upstream.call('set', { size: 'tiny', isHeld: false })
  await fill(stage, sides[0], sides[0].target, LOG_ENTRIES)
  await liveThroughMonth(stage, sides[1])
  await checkMonth(sides[1])
  return sides
}

const measurePair = (redisUrls: readonly string[]): Promise<Rounds> =>
  withStage(['tiny'], async (stage) => {
    const folder = await mkdtemp(join(tmpdir(), 'fresnel-bench-'))
    try {
      const sides = await startPair(stage, folder, redisUrls)
      return await takeRounds(stage, sides, {
        size: 'tiny',
        rhythm: inFlight(1_500),
        warmUp: inFlight(2_000),
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

/** Each gateway with a Redis of its own, as one would otherwise have what the other has. */
const measureWithRedis = async (): Promise<Rounds> => {
  const servers = [await startRedis(), await startRedis()]
  try {
    return await measurePair(servers.map(({ url }) => url))
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

const rowOf = (name: string, rounds: Rounds): readonly string[] => [
  name,
  formatFigure(medianOf(rounds, 0, 'cpuMsPerRequest')),
  formatFigure(medianOf(rounds, 1, 'cpuMsPerRequest')),
  describeValues(ratiosOf(rounds, [1, 0], 'cpuMsPerRequest')),
]

export const growth: Benchmark = {
  name: 'growth',
  description: `Processor time for each request with a tiny picture: a new gateway against one with ${LOG_ENTRIES} requests in its log, ${KEYS} keys, ${MODELS} models and ${DAYS} days of statistics of each.`,
  run: async () => {
    const measured = new Map([['in memory', await measurePair([])]])
    if (hasRedisServer) measured.set('with Redis', await measureWithRedis())
    const table: Table = {
      title: 'Median of the rounds; ratio: median (least–most)',
      columns: ['ms', 'new', 'long in use', 'ratio'],
      rows: [...measured].map(([name, rounds]) => rowOf(name, rounds)),
    }
    const goals = [...measured].map(
      ([name, rounds]): Goal => ({
        name: `growth of the processor time for each request, ${name}`,
        value: ratioOf(rounds, [1, 0], 'cpuMsPerRequest'),
        atMost: 1.1,
        unit: '×',
      }),
    )
    return { tables: [table], goals }
  },
}
