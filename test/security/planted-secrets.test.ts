import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type S3Emulator, startS3Emulator } from '#test/emulators/s3/s3-emulator.ts'
import {
  freePort,
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { startTestGateway, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import { answerWith, type Receiver, startReceiver } from '#test/webhooks/receiver.ts'
import {
  type AnswerBook,
  askForImages,
  askHostile,
  askWrongly,
  createAnswerBook,
  failProviders,
  type Senders,
  type Trace,
} from './full-run.ts'
import { type HostileUpstream, startHostileUpstream } from './hostile-upstream.ts'
import { HOOK_TOKEN, makePlantedPicture, PLANTED, piecesOf } from './planted-values.ts'
import { readWholeRedis, watchRedis } from './redis-traces.ts'

const CONSOLE = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const

/** Everything that a run leaves behind. */
interface Remains {
  readonly logs: string
  readonly console: string
  readonly metrics: string
  readonly redis: string
  readonly commands: string
  readonly requestLog: string
  readonly answers: readonly Trace[]
}

const isIn = (text: string, values: readonly string[]): string[] =>
  values.filter((value) => text.includes(value))

const hashOf = (value: string): string => createHash('sha256').update(value).digest('hex')

describe.skipIf(!hasRedisServer)(`a run of everything${redisReason}`, () => {
  let redis: TestRedis
  let s3: S3Emulator
  let hooks: Receiver
  let hostile: HostileUpstream
  let gateways: readonly [TestGateway, TestGateway]
  let book: AnswerBook
  let picture: Buffer
  let apiKey = ''
  const remains: { -readonly [Name in keyof Remains]: Remains[Name] } = {
    logs: '',
    console: '',
    metrics: '',
    redis: '',
    commands: '',
    requestLog: '',
    answers: [],
  }

  const admin = { authorization: `Bearer ${PLANTED.adminKey}` }

  const start = async (environment: Record<string, string>): Promise<TestGateway> => {
    const [gemini, vertex, fal, replicate] = [
      ...[await freePort(), await freePort(), await freePort(), await freePort()],
    ]
    const ports = { gemini, vertex, fal, replicate } as Record<string, number>
    const allowed = [...Object.values(ports).map((port) => `127.0.0.1:${port}`), hooks.host]
    return startTestGateway({
      emulators: { ports },
      environment: {
        ...s3.environment,
        LOG_LEVEL: 'trace',
        GATEWAY_ADMIN_KEY: PLANTED.adminKey,
        REDIS_URL: redis.url.replace('//', `//planted:${PLANTED.redisPassword}@`),
        MEDIA_SIGNING_KEY: PLANTED.mediaSigningKey,
        WEBHOOK_SIGNING_SECRET: `whsec_${PLANTED.webhookSecret}`,
        OUTBOUND_ALLOW: [...allowed, new URL(hostile.url).host].join(','),
        ...environment,
      },
    })
  }

  /** Two gateways with the same secrets: one in front of the emulators, one in front of a hostile upstream. */
  const startAll = async (): Promise<void> => {
    redis = await startRedis(
      ...['--user', 'planted', 'on', `>${PLANTED.redisPassword}`, '~*', '&*', '+@all'],
    )
    s3 = await startS3Emulator()
    hooks = await startReceiver(answerWith(500, 200))
    hostile = await startHostileUpstream()
    gateways = [
      await start({}),
      await start({
        GEMINI_BASE_URL: hostile.url,
        VERTEX_BASE_URL: hostile.url,
        FAL_BASE_URL: hostile.url,
        REPLICATE_BASE_URL: `${hostile.url}/v1`,
        MEDIA_S3_ENDPOINT: hostile.url,
      }),
    ]
  }

  const untilEnded = async (): Promise<void> => {
    const { acceptedIds } = book.read()
    for (const id of acceptedIds) {
      const path = `/v1/requests/${id}`
      const isOver = async () =>
        expect((await gateways[0].get(path)).body.status).not.toBe('pending')
      await vi.waitFor(isOver, { timeout: 10_000 })
      await book.ask(gateways[0], path)
    }
    // One of them is posted twice.
    const arePosted = () => expect(hooks.received).toHaveLength(acceptedIds.length + 1)
    await vi.waitFor(arePosted, { timeout: 10_000 })
  }

  const runAll = async (): Promise<void> => {
    const [gateway, besieged] = gateways
    const senders: Senders = { book, gateway, picture, hookUrl: `${hooks.url}/${HOOK_TOKEN}` }
    const created = await gateway.post('/v1/keys', { name: 'shop' }, admin)
    apiKey = created.body.key
    await book.ask(gateway, '/v1/balance', { headers: { authorization: `Bearer ${apiKey}` } })
    await book.ask(gateway, '/v1/keys', { headers: admin })
    await askForImages(senders)
    await askWrongly(senders)
    await failProviders(senders)
    await untilEnded()
    await askHostile({ ...senders, gateway: besieged }, hostile)
    for (const url of book.read().mediaUrls.slice(0, 2)) {
      await book.ask(gateway, url)
      hostile.answerWith({ status: 403, form: 'xml' })
      await book.ask(besieged, url.replace(gateway.url, besieged.url))
    }
  }

  const collect = async (): Promise<void> => {
    const readText = async ({ url }: TestGateway, path: string) =>
      (await fetch(url + path, { headers: admin })).text()
    for (const gateway of gateways) {
      remains.metrics += await readText(gateway, '/metrics')
    }
    // Both tell the same log.
    let page: string | null = '/v1/requests?limit=100'
    while (page) {
      const text = await readText(gateways[0], page)
      remains.requestLog += text
      page = (JSON.parse(text) as { next_page_url: string | null }).next_page_url
    }
    remains.redis = await readWholeRedis(redis.client)
    for (const gateway of gateways) await gateway.close()
    remains.logs = gateways.map((gateway) => gateway.logText()).join('\n')
    const posted = hooks.received.map((hook) => ({
      of: 'a webhook',
      text: JSON.stringify(hook.headers) + hook.body.replaceAll(/"(b64_json|url)":"[^"]*"/g, ''),
    }))
    remains.answers = [...book.read().traces, ...posted]
  }

  beforeAll(async () => {
    let printed = ''
    for (const name of CONSOLE) {
      vi.spyOn(console, name).mockImplementation((...words: unknown[]) => {
        printed += `${words.map(String).join(' ')}\n`
      })
    }
    picture = await makePlantedPicture()
    book = createAnswerBook()
    await startAll()
    const { commandText, stop } = await watchRedis(redis.port)
    await runAll()
    await collect()
    stop()
    vi.restoreAllMocks()
    remains.commands = commandText()
    remains.console = printed
  }, 120_000)
  afterAll(async () => {
    await Promise.all([hooks.close(), hostile.close(), s3.close(), redis.stop()])
  })

  /** Values that nothing may tell. */
  const secrets = (): string[] => [
    ...Object.values(PLANTED),
    ...PLANTED.falKey.split(':'),
    ...Object.entries(s3.environment).flatMap(([name, value]) => (/KEY/.test(name) ? [value] : [])),
    apiKey,
    ...piecesOf(picture),
    ...book.read().images.flatMap(piecesOf),
  ]

  it('has been one of everything', () => {
    const { statuses, images, mediaUrls, acceptedIds } = book.read()
    expect(Object.keys(statuses).map(Number)).toEqual(
      expect.arrayContaining([200, 202, 400, 401, 404, 415, 429, 500, 502, 503]),
    )
    expect(images.length).toBeGreaterThan(15)
    expect(mediaUrls.length).toBeGreaterThan(4)
    expect(acceptedIds).toHaveLength(5)
    expect(hostile.count()).toBeGreaterThan(60)
    expect(apiKey).not.toBe('')
  })

  it('is found again in all that is searched', () => {
    const marks = {
      logs: ['user-7', '"level":"trace"'],
      metrics: ['gateway_'],
      redis: ['user-7', hashOf(apiKey)],
      commands: [hashOf(apiKey)],
      requestLog: ['user-7'],
    } as const
    const found = Object.entries(marks).map(([name, values]) => [
      name,
      isIn(remains[name as keyof typeof marks], values),
    ])
    expect(Object.fromEntries(found)).toEqual(marks)
  })

  it.each(['logs', 'console', 'metrics', 'redis', 'commands', 'requestLog'] as const)(
    'leaves no secret, prompt, image or upstream answer in %s',
    (name) => {
      expect(isIn(remains[name], secrets())).toEqual([])
    },
  )

  it('tells no client a secret, its prompt, its picture or an upstream answer', () => {
    const all = secrets()
    const told = remains.answers.flatMap(({ of, text }) =>
      isIn(text, all).map((value) => ({ of, value })),
    )
    expect(told).toEqual([])
  })

  it('keeps what opens images and webhooks out of logs, metrics and the request log', () => {
    const openers = [HOOK_TOKEN, ...book.read().signatures]
    expect(openers.length).toBeGreaterThan(4)
    for (const text of [remains.logs, remains.console, remains.metrics, remains.requestLog]) {
      expect(isIn(text, openers)).toEqual([])
    }
  })
})
