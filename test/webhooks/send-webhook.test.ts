import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WEBHOOK_RETRY_DELAYS_MS } from '#src/webhooks/send-webhook.ts'
import { webhookIdOf } from '#src/webhooks/webhook-headers.ts'
import { answerWith, verifyWebhook } from './receiver.ts'
import { closeAll, orderTo, receive, renderText, SECRET, senderTo, told } from './sender-harness.ts'

const PATH = '/hook/path-secret?token=query-secret'

const never = () => new Promise<never>(() => undefined)

afterEach(closeAll)

describe('a webhook', () => {
  it("is posted once, signed as the scheme's library verifies, when it is taken", async () => {
    const receiver = await receive(answerWith(201))
    const { sender, waits, log } = senderTo([receiver.host])
    const order = orderTo(receiver.url + PATH)
    expect(await sender.send(order, renderText)).toBe(true)
    expect(receiver.received).toHaveLength(1)
    const [webhook] = receiver.received
    expect(webhook).toMatchObject({ method: 'POST', url: PATH })
    expect(webhook?.headers['webhook-id']).toBe(webhookIdOf(order))
    expect(verifyWebhook(webhook, SECRET)).toEqual({ type: 'image.completed' })
    expect(() => verifyWebhook(webhook, `whsec_${'A'.repeat(32)}`)).toThrow()
    expect(waits).toEqual([])
    expect(log()).toEqual([
      told(receiver, 1, 'webhook delivered', { outcome: 'answered', status: 201 }),
    ])
  })

  it('is tried again under the same id, with a time, a body and a signature of each try', async () => {
    const receiver = await receive(answerWith(500, 302, 404, 429, 200))
    const { sender, waits } = senderTo([receiver.host])
    let renderings = 0
    const render = async () => {
      renderings += 1
      return JSON.stringify({ rendering: renderings })
    }
    expect(await sender.send(orderTo(receiver.url), render)).toBe(true)
    expect(waits).toEqual([5_000, 30_000, 120_000, 600_000])
    expect(receiver.received.map((each) => verifyWebhook(each, SECRET))).toEqual(
      [1, 2, 3, 4, 5].map((rendering) => ({ rendering })),
    )
    const idsAndTimes = receiver.received.map(({ headers }) => [
      headers['webhook-id'],
      Number(headers['webhook-timestamp']) -
        Number(receiver.received[0]?.headers['webhook-timestamp']),
    ])
    const id = webhookIdOf(orderTo(receiver.url))
    expect(idsAndTimes).toEqual([0, 2, 4, 6, 8].map((seconds) => [id, seconds]))
  })

  it('is given up after the last try', async () => {
    const receiver = await receive(answerWith(503))
    const { sender, waits, log } = senderTo([receiver.host])
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(true)
    expect(receiver.received).toHaveLength(5)
    expect(waits).toEqual([...WEBHOOK_RETRY_DELAYS_MS])
    const failed = { outcome: 'answered', status: 503 }
    expect(log()).toEqual([
      ...WEBHOOK_RETRY_DELAYS_MS.map((retryInMs, index) =>
        told(receiver, index + 1, 'webhook not delivered', { ...failed, retryInMs }),
      ),
      told(receiver, 5, 'webhook given up', failed),
    ])
  })

  it('is given up at once when the receiver says that it is gone', async () => {
    const receiver = await receive(answerWith(410))
    const { sender, log } = senderTo([receiver.host])
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(true)
    expect(receiver.received).toHaveLength(1)
    expect(log()).toEqual([
      told(receiver, 1, 'webhook given up', { outcome: 'answered', status: 410 }),
    ])
  })

  it('is given up at once, without a connection, when its name points to a private address', async () => {
    const receiver = await receive(answerWith(200))
    const { sender, waits, log } = senderTo([])
    const url = `https://rebind.test:${receiver.port}`
    expect(await sender.send(orderTo(`${url}/hook`), renderText)).toBe(true)
    expect(receiver.connectionCount()).toBe(0)
    expect(waits).toEqual([])
    expect(log()).toEqual([
      {
        ...told(receiver, 1, 'webhook given up', { outcome: 'forbidden' }),
        receiver: url,
        reason: 'points to an address that is not public',
      },
    ])
  })

  it('does not follow a redirect to somewhere else, but is tried again', async () => {
    const inner = await receive(answerWith(200))
    const receiver = await receive((response, index) => {
      if (index === 0) response.writeHead(307, { location: inner.url }).end()
      else response.end()
    })
    const { sender, waits } = senderTo([receiver.host, inner.host])
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(true)
    expect(receiver.received).toHaveLength(2)
    expect(waits).toEqual([5_000])
    expect(inner.connectionCount()).toBe(0)
  })

  it('is tried again when the receiver is too slow', async () => {
    const receiver = await receive((response, index) => {
      if (index > 0) response.end()
    })
    const { sender, waits, log } = senderTo([receiver.host], { timeoutMs: 300 })
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(true)
    expect(waits).toEqual([5_000])
    expect(log()[0]).toEqual(
      told(receiver, 1, 'webhook not delivered', {
        outcome: 'failed',
        reason: 'timeout',
        retryInMs: 5_000,
      }),
    )
  })

  it('is tried again when its body could not be had', async () => {
    const receiver = await receive(answerWith(200))
    const { sender, waits, log } = senderTo([receiver.host])
    const render = vi.fn(renderText).mockRejectedValueOnce(new TypeError('a secret of the store'))
    expect(await sender.send(orderTo(receiver.url), render)).toBe(true)
    expect(receiver.received).toHaveLength(1)
    expect(waits).toEqual([5_000])
    expect(log()[0]).toEqual(
      told(receiver, 1, 'webhook not delivered', {
        outcome: 'unwritten',
        error: 'TypeError',
        retryInMs: 5_000,
      }),
    )
  })

  it('leaves no secret in the log, however it ends', async () => {
    const receiver = await receive(answerWith(500, 200, 410))
    const { sender, text } = senderTo([receiver.host])
    await sender.send(orderTo(receiver.url + PATH), renderText)
    await sender.send(orderTo(receiver.url + PATH), renderText)
    await sender.send(orderTo('https://10.0.0.1/path-secret?token=query-secret'), renderText)
    expect(text().match(/webhook (delivered|given up)/g)).toHaveLength(3)
    for (const secret of ['path-secret', 'query-secret', SECRET, SECRET.slice(6), 'v1,']) {
      expect(text()).not.toContain(secret)
    }
  })

  it('is nothing for an order without a URL', async () => {
    const { webhookUrl: _absent, ...order } = orderTo('')
    const { sender, log } = senderTo([])
    expect(await sender.send(order, renderText)).toBe(true)
    expect(log()).toEqual([])
  })
})

describe('many webhooks', () => {
  it('go on beside one that waits for its next try', async () => {
    const receiver = await receive((response, index) => {
      response.writeHead(index === 0 ? 500 : 200).end()
    })
    const { sender } = senderTo([receiver.host], { wait: never })
    void sender.send(orderTo(receiver.url), renderText)
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(true)
  })

  it('are tried 64 at once', async () => {
    const held: ServerResponse[] = []
    const receiver = await receive((response) => void held.push(response))
    const { sender } = senderTo([receiver.host])
    const sent = Array.from({ length: 70 }, () => sender.send(orderTo(receiver.url), renderText))
    await vi.waitFor(() => expect(held).toHaveLength(64))
    expect(receiver.connectionCount()).toBe(64)
    for (const response of held.splice(0)) response.end()
    await vi.waitFor(() => expect(held).toHaveLength(6))
    for (const response of held) response.end()
    expect(await Promise.all(sent)).toEqual(sent.map(() => true))
  })

  it('are given up when too many are under way', async () => {
    const receiver = await receive(answerWith(500))
    const { sender, log } = senderTo([receiver.host], { wait: never, maxUnderWay: 1 })
    void sender.send(orderTo(receiver.url), renderText)
    await vi.waitFor(() => expect(log()).toHaveLength(1))
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(true)
    expect(receiver.received).toHaveLength(1)
    expect(log()[1]).toMatchObject({
      level: 'warn',
      requestId: 'req_1',
      underWay: 1,
      msg: 'webhook given up: too many are under way',
    })
  })

  it('make room as they end', async () => {
    const receiver = await receive(answerWith(200))
    const { sender } = senderTo([receiver.host], { maxUnderWay: 1 })
    await sender.send(orderTo(receiver.url), renderText)
    await sender.send(orderTo(receiver.url), renderText)
    expect(receiver.received).toHaveLength(2)
  })
})
