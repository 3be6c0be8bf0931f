import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { drawNoisePicture } from '#test/bench/noise-picture.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { encodeForm, FORM_BOUNDARY, filePart, sendForm, textPart } from '#test/helpers/raw-form.ts'
import { EDITS, GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'

const MB = 1_000_000

/** Hundreds of megabytes take their time on a busy machine. */
const LONG_MS = 60_000

/** Providers' time: a second of theirs takes 100 ms. */
const setup = setUpResilience(10)

const picture = await drawNoisePicture(2.5 * MB)
const fields = [textPart('model', FIRST_MODEL), textPart('prompt', 'combine')]
/** An edit of 10 MB. */
const form = encodeForm([...fields, ...Array.from({ length: 4 }, () => filePart(picture))])

const PROVIDERS = ['gemini', 'vertex', 'fal', 'replicate'] as const

const slowly = (ms: number): void => {
  for (const id of PROVIDERS) {
    setup().emulators[id].setScenario({ latency: { p50Ms: ms, p95Ms: ms } })
  }
}

/** Most that a process has held, in bytes, as the system counts it. */
const peakOf = ({ process: { child } }: LiveGateway): number => {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

/** Tries until the check passes. */
const until = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000 })

const figuresOf = async (gateway: LiveGateway) => ({
  admitted: await gateway.metric('fresnel_admitted_requests'),
  held: await gateway.metric('fresnel_memory_bytes', { state: 'held' }),
  waiting: await gateway.metric('fresnel_memory_bytes', { state: 'waiting' }),
})

const NOTHING = { admitted: 0, held: 0, waiting: 0 }

const untilNothingIsHeld = (gateway: LiveGateway) =>
  until(async () => expect(await figuresOf(gateway)).toEqual(NOTHING))

const shed = (gateway: LiveGateway, reason?: string) =>
  gateway.metric('fresnel_requests_shed_total', reason === undefined ? {} : { reason })

/** Sends so many edits at once; resolves to their statuses, and the most that was held meanwhile by the gateway's count. */
const flood = async (gateway: LiveGateway, count: number, isChunked: boolean) => {
  let isOver = false
  let mostHeld = 0
  const watch = async (): Promise<void> => {
    while (!isOver) {
      const { held } = await figuresOf(gateway).catch(() => NOTHING)
      mostHeld = Math.max(mostHeld, held)
      await pause(20)
    }
  }
  const watching = watch()
  const answers = await Promise.all(
    Array.from({ length: count }, () => sendForm(gateway.url + EDITS, form, { isChunked })),
  )
  isOver = true
  await watching
  return { statuses: answers.map(({ status }) => status), answers, mostHeld }
}

/** The first lines of a request with the key. */
const head = (path: string, method = 'POST'): string =>
  `${method} ${path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${TEST_KEY}\r\n`

/** A socket on which the head of an edit of so many bytes has been sent. */
const openUpload = (gateway: LiveGateway, declaredBytes: number): Socket => {
  const socket = connect(gateway.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    `${head(EDITS)}content-type: multipart/form-data; boundary=${FORM_BOUNDARY}\r\ncontent-length: ${declaredBytes}\r\n\r\n`,
  )
  return socket
}

describe('a flood of uploads', { timeout: LONG_MS }, () => {
  it('is turned away but for what memory takes, which is served', async () => {
    const gateway = await setup().start({ MAX_MB_IN_FLIGHT: '100' })
    await sendForm(gateway.url + EDITS, form)
    const idleBytes = peakOf(gateway)
    slowly(5_000)
    const { answers, statuses, mostHeld } = await flood(gateway, 24, false)
    expect(statuses.filter((status) => status === 200)).toHaveLength(4)
    expect(statuses.filter((status) => status === 503)).toHaveLength(20)
    expect(answers.find(({ status }) => status === 503)?.body.error).toMatchObject({
      code: 'OVERLOADED',
      type: 'server_error',
      param: null,
    })
    expect(await shed(gateway)).toBe(20)
    expect(mostHeld).toBeLessThanOrEqual(50 * MB)
    expect(mostHeld).toBeGreaterThan(35 * MB)
    // All of it would have been 240 MB, and several times as much without care.
    expect(peakOf(gateway) - idleBytes).toBeLessThan(300 * MB)
    await untilNothingIsHeld(gateway)
    expect((await sendForm(gateway.url + EDITS, form)).status).toBe(200)
  })

  it('says to clients when to come back', async () => {
    const gateway = await setup().start({ MAX_MB_IN_FLIGHT: '10' })
    slowly(5_000)
    const first = sendForm(gateway.url + EDITS, form)
    await until(async () => expect((await figuresOf(gateway)).admitted).toBe(1))
    const { status, headers } = await gateway.ask()
    expect(status).toBe(503)
    expect(headers.get('x-should-retry')).toBe('true')
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(2)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(5)
    expect((await first).status).toBe(200)
  })

  it('of untold length is cut off as soon as memory is used up, and all is freed again', async () => {
    const gateway = await setup().start({ MAX_MB_IN_FLIGHT: '100' })
    await sendForm(gateway.url + EDITS, form)
    const idleBytes = peakOf(gateway)
    slowly(5_000)
    const { statuses, mostHeld } = await flood(gateway, 24, true)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0)
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(15)
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(await shed(gateway)).toBe(statuses.filter((status) => status === 503).length)
    expect(await shed(gateway, 'body')).toBeGreaterThan(0)
    expect(mostHeld).toBeLessThanOrEqual(50 * MB)
    expect(peakOf(gateway) - idleBytes).toBeLessThan(300 * MB)
    await untilNothingIsHeld(gateway)
  })

  it('is cut off as JSON, too, and its client is told', async () => {
    const gateway = await setup().start({ MAX_MB_IN_FLIGHT: '20' })
    const other = openUpload(gateway, 50_000)
    await until(async () => expect((await figuresOf(gateway)).held).toBe(50_000))
    const image_url = `data:image/png;base64,${picture.toString('base64')}`
    const json = JSON.stringify({ images: Array(8).fill({ image_url }) })
    const socket = connect(gateway.port, '127.0.0.1')
    let answers = ''
    socket.on('data', (text) => {
      answers += text
    })
    socket.write(
      `${head(EDITS)}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    )
    socket.write(`${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`)
    // The connection is as good as before.
    socket.write(`${head('/v1/models', 'GET')}connection: close\r\n\r\n`)
    await once(socket, 'close')
    const [refusal, next] = answers.split(/(?<=\})(?=HTTP)/)
    expect(refusal).toMatch(/^HTTP\/1.1 503 .*"code":"OVERLOADED"/s)
    expect(next).toMatch(/^HTTP\/1.1 200 /)
    expect(await shed(gateway, 'body')).toBe(1)
    other.destroy()
    await untilNothingIsHeld(gateway)
  })

  it('of which nothing comes holds nothing for long', async () => {
    const gateway = await setup().start({ MAX_MB_IN_FLIGHT: '30', TIME_SCALE: '20' })
    const idle = openUpload(gateway, 11 * MB)
    await until(async () => expect((await figuresOf(gateway)).held).toBe(11 * MB))
    expect((await sendForm(gateway.url + EDITS, form)).status).toBe(503)
    idle.write(form.subarray(0, 100_000))
    await until(async () => {
      const { held } = await figuresOf(gateway)
      expect(held).toBeLessThanOrEqual(100_000)
      expect(held).toBeGreaterThan(50_000)
    })
    expect((await sendForm(gateway.url + EDITS, form)).status).toBe(200)
    idle.destroy()
    await untilNothingIsHeld(gateway)
  })
})

describe('as many requests as may be', { timeout: LONG_MS }, () => {
  it('are served; more are turned away, whatever they ask for, but nothing else is', async () => {
    const gateway = await setup().start({ MAX_REQUESTS_IN_FLIGHT: '3' })
    slowly(10_000)
    const later = await gateway.ask({}, { prefer: 'respond-async' })
    expect(later.status).toBe(202)
    const [first, second] = [gateway.ask(), gateway.ask({}, { 'idempotency-key': 'once' })]
    await until(async () => expect((await figuresOf(gateway)).admitted).toBe(3))
    expect((await gateway.ask()).status).toBe(503)
    expect((await gateway.ask({}, { prefer: 'respond-async' })).status).toBe(503)
    expect((await gateway.call('POST', `${GENERATIONS}?dryRun=true`, {})).status).toBe(503)
    expect(await shed(gateway, 'requests')).toBe(3)
    expect((await gateway.call('GET', '/v1/models')).status).toBe(200)
    expect((await gateway.call('GET', later.headers.get('location') ?? '')).status).toBe(200)
    expect([await gateway.health('/readyz'), await gateway.health('/livez')]).toEqual([200, 200])
    expect([(await first).status, (await second).status]).toEqual([200, 200])
    await untilNothingIsHeld(gateway)
    expect((await gateway.ask()).status).toBe(200)
  })

  it('count as under way until their work has ended, also when their clients have left', async () => {
    const gateway = await setup().start({ MAX_REQUESTS_IN_FLIGHT: '1' })
    slowly(10_000)
    const leaving = httpRequest(gateway.url + EDITS, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TEST_KEY}`,
        'idempotency-key': 'left',
        'content-type': `multipart/form-data; boundary=${FORM_BOUNDARY}`,
      },
    })
    leaving.on('error', () => undefined)
    leaving.end(form)
    await until(() => expect(setup().creates()).toBe(1))
    leaving.destroy()
    await pause(100)
    expect(await figuresOf(gateway)).toMatchObject({ admitted: 1, held: 4 * picture.length })
    expect((await gateway.ask()).status).toBe(503)
    await untilNothingIsHeld(gateway)
  })
})

describe('a request', { timeout: LONG_MS }, () => {
  const jsonEdit = (image: string) => ({
    model: FIRST_MODEL,
    prompt: 'combine',
    images: [{ image_url: image }],
  })
  const dataUri = `data:image/png;base64,${picture.toString('base64')}`
  const cutOff = encodeForm([...fields, filePart(picture.subarray(0, -20))])

  it('holds nothing after its end, whatever became of it', async () => {
    const gateway = await setup().start({ MAX_MB_IN_FLIGHT: '100' })
    const edit = async (body: Buffer, headers = {}, query = '') =>
      (await sendForm(gateway.url + EDITS + query, body, { headers })).status
    const json = async (image: string) =>
      (await gateway.call('POST', EDITS, jsonEdit(image))).status
    const twice = () => edit(form, { 'idempotency-key': 'twice' })
    const ways: [string, () => Promise<unknown>, unknown][] = [
      ['is answered', () => edit(form), 200],
      ['has its images in JSON', () => json(dataUri), 200],
      ['is estimated', () => edit(form, {}, '?dryRun=true'), 200],
      ['is answered later', () => edit(form, { prefer: 'respond-async' }), 202],
      ['is sent twice', () => Promise.all([twice(), twice()]), [200, 200]],
      ['is sent once more', twice, 200],
      ['lacks a model', () => edit(encodeForm([filePart(picture)])), 400],
      ['has an image that is cut off', () => edit(cutOff), 400],
      ['has one in JSON', () => json(dataUri.slice(0, -200)), 400],
      ['is cut off itself', () => edit(form.subarray(0, -5 * MB)), 400],
    ]
    for (const [way, send, expected] of ways) {
      expect([way, await send()]).toEqual([way, expected])
      await untilNothingIsHeld(gateway)
    }
    for (const id of PROVIDERS) setup().emulators[id].setScenario({ successRate: 0 })
    expect(await edit(form)).toBe(502)
    await untilNothingIsHeld(gateway)
  })
})
