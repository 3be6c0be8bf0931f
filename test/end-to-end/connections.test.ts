import { Agent, request as httpRequest } from 'node:http'
import { connect, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  EDITS,
  GENERATIONS,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

const authorization = `Bearer ${TEST_KEY}`

let gateway: TestGateway
let isOpen = true
beforeEach(async () => {
  gateway = await startTestGateway()
  isOpen = true
})
afterEach(async () => {
  if (isOpen) await gateway.close()
})

describe('a connection', () => {
  it('serves the next request after a form that was refused half-way', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const send = (path: string, type: string, body: Buffer) =>
      new Promise<number>((resolve, reject) => {
        const headers = { authorization, 'content-type': type, 'content-length': body.length }
        const sent = httpRequest(
          gateway.url + path,
          { method: 'POST', agent, headers },
          (response) => {
            response.resume().on('end', () => resolve(response.statusCode ?? 0))
          },
        )
        sent.on('error', reject)
        sent.end(body)
      })
    const form = new FormData()
    form.append('mask', new Blob([new Uint8Array(3_000_000)]), 'mask.png')
    form.append('model', FIRST_MODEL)
    const encoded = new Response(form)
    const type = encoded.headers.get('content-type') ?? ''
    const refused = Buffer.from(await encoded.arrayBuffer())
    const good = Buffer.from(JSON.stringify({ model: FIRST_MODEL, prompt: 'p' }))
    for (let round = 0; round < 3; round += 1) {
      expect(await send(EDITS, type, refused)).toBe(400)
      expect(await send(GENERATIONS, 'application/json', good)).toBe(200)
    }
    agent.destroy()
  })

  it('with half a form on it does not hold a shutdown', async () => {
    const { port } = new URL(gateway.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `POST ${EDITS} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n` +
        'content-type: multipart/form-data; boundary=b\r\ncontent-length: 100000\r\n\r\n' +
        '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nx',
    )
    await expect.poll(async () => (await gateway.get('/v1/models')).status).toBe(200)
    isOpen = false
    await gateway.close()
    socket.destroy()
  })
})

describe('a client that stops reading', () => {
  it.each([false, true])(
    'does not hold a shutdown, nor counts as an error (stream: %s)',
    async (stream) => {
      const own = await startTestGateway({ stalledAfterMs: 300 })
      own.emulators.gemini.setScenario({ imageSizeBytes: 25_000_000 })
      const text = JSON.stringify({
        model: FIRST_MODEL,
        prompt: 'p',
        stream,
        response_format: 'b64_json',
        provider: { only: ['gemini'] },
      })
      const socket = connect(Number(new URL(own.url).port), '127.0.0.1').pause()
      socket.on('error', () => undefined)
      socket.write(
        `POST ${GENERATIONS} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n` +
          `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      )
      await expect.poll(() => own.logText(), { timeout: 8_000 }).toContain('"status":"completed"')
      await own.close()
      expect(own.logText()).toContain('a client that stopped reading was cut off')
      expect(own.logText()).not.toContain('"level":"error"')
      socket.destroy()
    },
  )
})

describe('a client that leaves', () => {
  it('before its answer is there is not logged as an error', async () => {
    gateway.emulators.gemini.setScenario({ latency: { p50Ms: 30_000, p95Ms: 30_000 } })
    const left = new AbortController()
    const sent = fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      signal: left.signal,
      headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'left' },
      body: JSON.stringify({ model: FIRST_MODEL, prompt: 'p', provider: { only: ['gemini'] } }),
    })
    await expect.poll(() => gateway.creates()).toBe(1)
    left.abort()
    await expect(sent).rejects.toThrow()
    // The work goes on, as a repeat of the request is told what came of it.
    await expect.poll(() => gateway.logText()).toContain('"status":"completed"')
    await gateway.get('/v1/models')
    expect(gateway.logText()).not.toContain('"level":"error"')
  })
})

describe('the deadline', () => {
  it('covers the fetching of input images', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const address = silent.address()
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    const own = await startTestGateway({ timeScale: 10, environment: { OUTBOUND_ALLOW: host } })
    const { status, body } = await own.post(
      EDITS,
      { model: FIRST_MODEL, prompt: 'p', image_url: `http://${host}/a.png` },
      { 'x-gateway-timeout-ms': '200' },
    )
    expect([status, body.error.code]).toEqual([504, 'TIMEOUT'])
    expect(own.creates()).toBe(0)
    await own.close()
    silent.close()
  })

  it('starts no attempt that it leaves no time for', async () => {
    for (const provider of ['gemini', 'vertex', 'fal', 'replicate'] as const) {
      gateway.emulators[provider].setScenario({ always: 'hang' })
    }
    const { status } = await gateway.post(
      GENERATIONS,
      { model: FIRST_MODEL, prompt: 'p' },
      { 'x-gateway-timeout-ms': '300' },
    )
    expect(status).toBe(504)
    expect(gateway.creates()).toBe(1)
  })
})

describe('the overhead that is told', () => {
  it('leaves out the time that the provider took', async () => {
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 50_000, p95Ms: 50_001 } })
    const body = { model: `fal/${FIRST_MODEL}`, prompt: 'p' }
    const { headers } = await gateway.post(GENERATIONS, body)
    const total = Number(headers.get('openai-processing-ms'))
    expect(total).toBeGreaterThan(450)
    expect(Number(headers.get('x-gateway-overhead-ms'))).toBeLessThan(total / 2)
  })
})
