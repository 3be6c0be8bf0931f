import type { LookupFunction } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createOutboundRules } from '#src/images/outbound-rules.ts'
import { createWebhookPoster } from '#src/webhooks/post-webhook.ts'
import { answerWith, startReceiver } from './receiver.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const receive = async (...given: Parameters<typeof startReceiver>) => {
  const receiver = await startReceiver(...given)
  closers.push(receiver.close)
  return receiver
}

const toLoopback: LookupFunction = (_hostname, _options, callback) =>
  callback(null, [{ address: '127.0.0.1', family: 4 }])

const posterFor = (allowedHosts: readonly string[], timeoutMs = 5_000) => {
  const rules = createOutboundRules(allowedHosts)
  const poster = createWebhookPoster({ rules, timeoutMs, lookup: toLoopback })
  closers.push(poster.close)
  return poster
}

const forbidden = { kind: 'forbidden', reason: 'points to an address that is not public' }

describe('a post', () => {
  it('is the body with its headers and nothing that tells more', async () => {
    const receiver = await receive(answerWith(204))
    const posted = posterFor([receiver.host]).post(
      `${receiver.url}/hook?token=t#part`,
      { 'webhook-id': 'msg_1' },
      '{"a":"ä"}',
    )
    expect(await posted).toEqual({ kind: 'answered', status: 204 })
    expect(receiver.received).toEqual([
      {
        method: 'POST',
        url: '/hook?token=t',
        headers: {
          connection: 'close',
          'content-length': '10',
          'content-type': 'application/json',
          host: receiver.host,
          'user-agent': 'fresnel',
          'webhook-id': 'msg_1',
        },
        body: '{"a":"ä"}',
      },
    ])
  })

  it('has a connection of its own', async () => {
    const receiver = await receive(answerWith(200))
    const poster = posterFor([receiver.host])
    for (let count = 0; count < 3; count += 1) await poster.post(receiver.url, {}, '{}')
    expect(receiver.connectionCount()).toBe(3)
  })

  it('connects to exactly the address that its look-up gave', async () => {
    const receiver = await receive(answerWith(200))
    const poster = posterFor([`hooks.test:${receiver.port}`])
    const outcome = await poster.post(`http://hooks.test:${receiver.port}/`, {}, '{}')
    expect(outcome).toEqual({ kind: 'answered', status: 200 })
    expect(receiver.received[0]?.headers.host).toBe(`hooks.test:${receiver.port}`)
  })

  it('follows no redirect', async () => {
    const inner = await receive(answerWith(200))
    for (const status of [301, 302, 303, 307, 308]) {
      const receiver = await receive((response) => {
        response.writeHead(status, { location: inner.url }).end()
      })
      const outcome = await posterFor([receiver.host, inner.host]).post(receiver.url, {}, '{}')
      expect(outcome).toEqual({ kind: 'answered', status })
    }
    expect(inner.connectionCount()).toBe(0)
  })

  it('is forbidden to private addresses, without a connection', async () => {
    const receiver = await receive(answerWith(200))
    const poster = posterFor([])
    const urls = [
      `https://127.0.0.1:${receiver.port}/`,
      `https://[::ffff:7f00:1]:${receiver.port}/`,
      `https://rebind.test:${receiver.port}/`,
    ]
    for (const url of urls) expect(await poster.post(url, {}, '{}')).toEqual(forbidden)
    expect(receiver.connectionCount()).toBe(0)
  })

  it('is forbidden without https, with credentials, and to what is no URL', async () => {
    const receiver = await receive(answerWith(200))
    const poster = posterFor([])
    expect(await poster.post(receiver.url, {}, '{}')).toEqual({
      kind: 'forbidden',
      reason: 'must be an https URL',
    })
    expect(await poster.post('https://user:pass@example.com/', {}, '{}')).toEqual({
      kind: 'forbidden',
      reason: 'must not contain credentials',
    })
    expect(await poster.post('http://[', {}, '{}')).toEqual({
      kind: 'forbidden',
      reason: 'is not a valid URL',
    })
    expect(receiver.connectionCount()).toBe(0)
  })

  it('fails in its time when no answer comes', async () => {
    const receiver = await receive(() => undefined)
    const outcome = await posterFor([receiver.host], 30).post(receiver.url, {}, '{}')
    expect(outcome).toEqual({ kind: 'failed', reason: 'timeout' })
  })

  it('fails when nobody listens, and when the connection ends without an answer', async () => {
    const gone = await receive(answerWith(200))
    await gone.close()
    const rude = await receive((response) => response.destroy())
    const poster = posterFor([gone.host, rude.host])
    for (const url of [gone.url, rude.url]) {
      expect(await poster.post(url, {}, '{}')).toEqual({ kind: 'failed', reason: 'network' })
    }
  })

  it('does not read an endless answer', async () => {
    let wroteBytes = 0
    const receiver = await receive((response) => {
      const chunk = Buffer.alloc(64 * 1024)
      const write = () => {
        wroteBytes += chunk.length
        if (response.write(chunk)) setImmediate(write)
        else response.once('drain', write)
      }
      response.on('error', () => undefined)
      write()
    })
    const outcome = await posterFor([receiver.host]).post(receiver.url, {}, '{}')
    expect(outcome).toEqual({ kind: 'answered', status: 200 })
    expect(wroteBytes).toBeLessThan(20_000_000)
  })

  it('is told by the status of an answer that drips on', async () => {
    const receiver = await receive((response) => {
      response.writeHead(200)
      response.write('x')
    })
    const outcome = await posterFor([receiver.host], 200).post(receiver.url, {}, '{}')
    expect(outcome).toEqual({ kind: 'answered', status: 200 })
  })
})
