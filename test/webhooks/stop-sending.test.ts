import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { answerWith } from './receiver.ts'
import { closeAll, orderTo, receive, renderText, senderTo, told } from './sender-harness.ts'

/** Nothing here may wait for a time to pass: it would be an hour. */
const PATIENT = { isInTime: true, retryDelaysMs: [3_600_000], timeoutMs: 3_600_000 }

afterEach(closeAll)

describe('a sender that stops', () => {
  it('ends the waiting for next tries at once, as not told', async () => {
    const receiver = await receive(answerWith(500))
    const { sender, log } = senderTo([receiver.host], PATIENT)
    const sent = sender.send(orderTo(receiver.url), renderText)
    await vi.waitFor(() => expect(log()).toHaveLength(1))
    sender.stopRetrying()
    expect(await sent).toBe(false)
    expect(receiver.received).toHaveLength(1)
    expect(log()[1]).toEqual(
      told(receiver, 1, 'webhook left to another gateway', { outcome: 'answered', status: 500 }),
    )
  })

  it('lets a try under way end, and counts what it brings', async () => {
    const held: ServerResponse[] = []
    const receiver = await receive((response) => void held.push(response))
    const { sender } = senderTo([receiver.host], PATIENT)
    const [first, second] = [1, 2].map(() => sender.send(orderTo(receiver.url), renderText))
    await vi.waitFor(() => expect(held).toHaveLength(2))
    sender.stopRetrying()
    held[0]?.end()
    held[1]?.writeHead(500).end()
    expect((await Promise.all([first, second])).toSorted()).toEqual([false, true])
    expect(receiver.received).toHaveLength(2)
  })

  it('still makes the first try of what comes later', async () => {
    const receiver = await receive(answerWith(200, 500))
    const { sender } = senderTo([receiver.host], PATIENT)
    sender.stopRetrying()
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(true)
    expect(await sender.send(orderTo(receiver.url), renderText)).toBe(false)
    expect(receiver.received).toHaveLength(2)
  })

  it('ends tries under way when it is closed, as not told', async () => {
    const receiver = await receive(() => undefined)
    const { sender } = senderTo([receiver.host], PATIENT)
    const sent = sender.send(orderTo(receiver.url), renderText)
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    await sender.close()
    expect(await sent).toBe(false)
  })
})
