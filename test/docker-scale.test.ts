import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EMULATED_PROVIDERS, type Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { hasNginx, nginxReason, startNginx, type TestNginx } from '#test/helpers/nginx-server.ts'
import {
  freePort,
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { EDITS, GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const AUTHORIZATION = { authorization: `Bearer ${TEST_KEY}` }

/** $0.08 an image. */
const FAL = { provider: { only: ['fal'] } }
const GEMINI = { provider: { only: ['gemini'] } }

const TIME_SCALE = 20

/** A provider that takes so long, in real ms. */
const taking = (realMs: number) => ({
  latency: { p50Ms: realMs * TIME_SCALE, p95Ms: realMs * TIME_SCALE },
})
const LONG = taking(3_000)

interface Gateway {
  readonly port: number
  readonly process: GatewayProcess
}

/** A PNG of some 8 MB. */
const noisePicture = () =>
  sharp({
    create: {
      ...{ width: 2_000, height: 1_500, channels: 3, background: '#000' },
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  })
    .png()
    .toBuffer()

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they read.
type Body = any

describe.skipIf(!hasNginx || !hasRedisServer)(
  `three gateways behind the nginx of the compose file${nginxReason}${redisReason}`,
  () => {
    let redis: TestRedis
    let emulators: Emulators
    let folder: string
    let gateways: Gateway[] = []
    let nginx: TestNginx

    const start = async (port: number): Promise<Gateway> => {
      const process = new GatewayProcess(folder, {
        ...emulators.environment,
        PORT: String(port),
        GATEWAY_API_KEYS: TEST_KEY,
        REDIS_URL: redis.url,
      })
      await process.listening()
      return { port, process }
    }

    beforeAll(async () => {
      redis = await startRedis()
      emulators = await startEmulators({ timeScale: TIME_SCALE })
      folder = await mkdtemp(join(tmpdir(), 'fresnel-scale-'))
      const ports = [await freePort(), await freePort(), await freePort()]
      // One by one: on a busy machine three that start together take too long.
      for (const port of ports) gateways.push(await start(port))
      nginx = await startNginx(ports)
    }, 120_000)
    beforeEach(() => {
      for (const id of EMULATED_PROVIDERS) {
        emulators[id].setScenario({})
        emulators[id].clearCalls()
      }
    })
    afterAll(async () => {
      await nginx?.stop()
      for (const { process } of gateways) process.child.kill('SIGKILL')
      await Promise.all(gateways.map(({ process }) => process.exit))
      await emulators.close()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    })

    /** Ends the first gateway, for the time of the work. */
    const without = async (signal: NodeJS.Signals, work: (leaving: Gateway) => Promise<void>) => {
      const [leaving, ...others] = gateways
      if (!leaving) throw new Error('there is no gateway')
      leaving.process.child.kill(signal)
      await work(leaving)
      await leaving.process.exit
      gateways = [await start(leaving.port), ...others]
      // Until nginx tries it again.
      await expect
        .poll(async () => servedBy((await ask(GEMINI)).body.id), { timeout: 10_000 })
        .toBe(`127.0.0.1:${leaving.port}`)
    }

    const post = (part: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
      fetch(nginx.url + GENERATIONS, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...AUTHORIZATION, ...headers },
        body: JSON.stringify({ model: FIRST_MODEL, prompt: 'a lighthouse', ...part }),
        ...(signal && { signal }),
      })

    const ask = async (part: object, headers: Record<string, string> = {}) => {
      const answer = await post(part, headers)
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body }
    }

    /** Of a process that dies before, nobody knows what it has begun. */
    const untilJobsAreKept = () =>
      expect
        .poll(
          async () => {
            const runs = await redis.client.keys('gw:{run:*')
            const fields = await Promise.all(runs.map((run) => redis.client.hkeys(run)))
            return fields.flat().filter((field) => field.startsWith('job:')).length
          },
          { timeout: 5_000 },
        )
        .toBe(gateways.length)

    const creates = () =>
      EMULATED_PROVIDERS.reduce((sum, id) => sum + emulators[id].count('create'), 0)

    const untilCreated = (count: number) =>
      expect.poll(creates, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)

    /** Address of the gateway that answered the request with this id. */
    const servedBy = async (requestId: string | null) => {
      const line = (await nginx.lines()).find(({ request_id }) => request_id === requestId)
      return line?.gateway
    }

    it('are spread over, and serve each other’s images at the address that clients know', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask(GEMINI)))
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
      const servers = await Promise.all(answers.map(({ body }) => servedBy(body.id)))
      expect(new Set(servers).size).toBe(3)
      for (const { headers, body } of answers) {
        expect(headers.get('x-request-id')).toBe(body.id)
        const { url } = body.data[0]
        expect(url).toMatch(new RegExp(`^${nginx.url}/v1/media/`))
        const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
        for (const { port } of gateways) {
          const own = await fetch(url.replace(nginx.url, `http://127.0.0.1:${port}`))
          expect(Buffer.from(await own.arrayBuffer()).equals(bytes)).toBe(true)
        }
      }
      // Signatures of images are secrets.
      expect(await nginx.output()).not.toContain('signature')
    })

    it('are told the client’s own request id', async () => {
      const { headers } = await ask(GEMINI, { 'x-request-id': 'mine-1' })
      expect([headers.get('x-request-id'), await servedBy('mine-1')]).toEqual([
        'mine-1',
        expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      ])
    })

    it('take an edit of many megabytes, and refuse one before it has arrived', async () => {
      const form = new FormData()
      form.set('model', FIRST_MODEL)
      form.set('prompt', 'make it night')
      form.set('image', new Blob([await noisePicture()]), 'picture.png')
      const answer = await fetch(nginx.url + EDITS, {
        method: 'POST',
        headers: AUTHORIZATION,
        body: form,
      })
      expect(answer.status).toBe(200)

      const socket = connect(nginx.port, '127.0.0.1')
      socket.write(
        `POST ${EDITS} HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 50000000\r\n\r\n`,
      )
      socket.write(Buffer.alloc(100_000))
      const [first] = (await once(socket, 'data')) as [Buffer]
      expect(first.toString()).toMatch(/^HTTP\/1\.1 401 /)
      socket.destroy()
    })

    it('send events as they come', async () => {
      emulators.gemini.setScenario({ ...taking(600), alwaysDraft: true })
      const answer = await post({ ...GEMINI, stream: true, partial_images: 1 })
      const moments: { readonly name: string; readonly atMs: number }[] = []
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        const names = [
          ...Buffer.from(chunk)
            .toString()
            .matchAll(/^(?:event: image_generation\.(\w+)|: (\w+))/gm),
        ]
        for (const [, event, comment] of names) {
          moments.push({ name: event ?? comment ?? '', atMs: performance.now() })
        }
      }
      expect(moments.map(({ name }) => name)).toEqual(['open', 'partial_image', 'completed'])
      const [openMs = 0, draftMs = 0, completedMs = 0] = moments.map(({ atMs }) => atMs)
      expect(draftMs - openMs).toBeGreaterThan(100)
      expect(completedMs - draftMs).toBeGreaterThan(100)
    })

    it('answer with 27 MB', async () => {
      const sizeBytes = 20_000_000
      emulators.gemini.setScenario({ imageSizeBytes: sizeBytes })
      const { status, body } = await ask({ ...GEMINI, response_format: 'b64_json' })
      expect(status).toBe(200)
      expect(Buffer.from(body.data[0].b64_json, 'base64').length).toBe(sizeBytes)
    })

    /** One request at each of them, as nginx gives the next to who has fewest. */
    const oneEach = async (part: object, headersOf = (_index: number) => ({})) => {
      const before = creates()
      const answers = gateways.map((_, index) => ask(part, headersOf(index)))
      await untilCreated(before + gateways.length)
      return answers
    }

    it('lose no request when one of them is to end', async () => {
      // Each of them has one that is done soon, whose connection could be used again, and one that keeps it from ending.
      emulators.fal.setScenario(taking(1_000))
      const slow = await oneEach(FAL)
      emulators.fal.setScenario(LONG)
      slow.push(...(await oneEach(FAL)))
      await without('SIGTERM', async ({ port, process }) => {
        const quick: number[] = []
        let isOver = false
        const all = Promise.all(slow).finally(() => {
          isOver = true
        })
        while (!isOver) quick.push((await ask(GEMINI)).status)
        const answers = await all
        expect(answers.map(({ body }) => body.error)).toEqual(Array(6).fill(undefined))
        const servers = await Promise.all(answers.map(({ body }) => servedBy(body.id)))
        expect(servers.filter((server) => server === `127.0.0.1:${port}`)).toHaveLength(2)
        expect(quick.length).toBeGreaterThan(10)
        expect(new Set(quick)).toEqual(new Set([200]))
        expect(await process.exit).toBe(0)
      })
    }, 60_000)

    it('go on when one of them is killed, and what it was asked for need not be paid for twice', async () => {
      emulators.fal.setScenario(LONG)
      emulators.replicate.setScenario(LONG)
      const keyOf = (index: number) => ({ 'idempotency-key': `killed-${index}` })
      const keyed = await oneEach(FAL, keyOf)
      const others = await oneEach({ provider: { only: ['replicate'] } })
      await untilJobsAreKept()
      await without('SIGKILL', async ({ process }) => {
        await process.exit
        const quick = await Promise.all(Array.from({ length: 20 }, () => ask(GEMINI)))
        expect(new Set(quick.map(({ status }) => status))).toEqual(new Set([200]))
        const answers = [await Promise.all(keyed), await Promise.all(others)]
        const lost = answers.map((each) => each.findIndex(({ status }) => status !== 200))
        const shown = answers.map((each, kind) => {
          const { status, headers, body } = each[lost[kind] ?? 0] ?? {}
          return [status, body?.error.code, headers?.get('x-should-retry')]
        })
        expect(shown).toEqual([
          [502, 'UPSTREAM_ERROR', 'true'],
          [502, 'UPSTREAM_ERROR', 'false'],
        ])
        expect((await ask(FAL, keyOf(lost[0] ?? 0))).status).toBe(200)
        expect(emulators.fal.count('create')).toBe(3)
      })
    }, 60_000)

    it('hear that a client left', async () => {
      emulators.fal.setScenario(LONG)
      const leaving = new AbortController()
      const answer = post(FAL, {}, leaving.signal)
      await untilCreated(1)
      leaving.abort()
      await expect(answer).rejects.toThrow()
      await expect.poll(() => emulators.fal.count('cancel'), { timeout: 5_000 }).toBe(1)
    })

    it('are waited for by nginx itself when it is to end', async () => {
      emulators.fal.setScenario(LONG)
      const answer = ask(FAL)
      await untilCreated(1)
      const ended = nginx.quit()
      expect((await answer).status).toBe(200)
      expect(await ended).toBe(0)
    })
  },
)
