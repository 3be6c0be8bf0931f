import { describe, expect, it } from 'vitest'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import { readAnswer, readJob, readOrder } from '#src/state/redis/run-schemas.ts'
import { answerOf, jobOf, orderOf, REFUSAL } from '#test/state/run-samples.ts'

const { usage: _, ...withoutUsage } = answerOf('a')
const { webhookUrl: _url, keyId: _key, user: _user, ...shortOrder } = orderOf(1)
const accepted: KeptAnswer = { kind: 'accepted', requestId: 'later' }

describe('what others wrote of a run', () => {
  it.each([answerOf('a'), withoutUsage, REFUSAL, accepted])('is an answer: %o', (answer) => {
    expect(readAnswer(JSON.stringify(answer))).toEqual(answer)
  })

  it('is an order', () => {
    for (const order of [orderOf(1), shortOrder, orderOf(1, { wanted: { responseFormat: 'url' } })])
      expect(readOrder(JSON.stringify(order))).toEqual(order)
  })

  it('is a job', () => {
    expect(readJob(JSON.stringify(jobOf('one')))).toEqual(jobOf('one'))
  })

  it('may say more than this version knows', () => {
    const answer = { ...answerOf('a'), mood: 'good' }
    expect(readAnswer(JSON.stringify(answer))).toEqual(answer)
  })

  it('may be shown though it names what this version has not thought of', () => {
    const answer = {
      ...answerOf('a'),
      warnings: [{ type: 'deprecated', message: 'Old.' }],
      attempts: [{ ...answerOf('a').attempts[0], errorCode: 'TIRED' }],
    }
    expect(readAnswer(JSON.stringify(answer))).toEqual(answer)
    const job = { ...jobOf('one'), warnings: answer.warnings }
    expect(readJob(JSON.stringify(job))).toEqual(job)
  })

  it.each([
    ['HTTPS://Example.org/Hook', 'https://example.org/Hook'],
    [' http://example.org ', 'http://example.org/'],
  ])('is an order to post the result to %j', (webhookUrl, href) => {
    const order = orderOf(1, { webhookUrl })
    expect(readOrder(JSON.stringify(order))).toEqual({ ...order, webhookUrl: href })
  })

  it('is nothing when any part of it is missing or of another type', () => {
    const samples = [
      [readAnswer, withoutUsage],
      [readAnswer, { kind: 'error', code: 'TIMEOUT', message: 'Late.', status: 504 }],
      [readAnswer, accepted],
      [readOrder, shortOrder],
      [readJob, jobOf('one')],
    ] as const
    for (const [read, sample] of samples) {
      for (const name of Object.keys(sample)) {
        for (const value of [undefined, null, {}]) {
          expect(read(JSON.stringify({ ...sample, [name]: value })), name).toBeUndefined()
        }
      }
    }
  })

  it.each([undefined, null, 7, '', 'text', '{', 'null', '[]', '{}', '"text"'])(
    'is nothing when it is %j',
    (text) => {
      expect([readAnswer(text), readOrder(text), readJob(text)]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    },
  )

  it.each([
    ['no image', { images: [] }],
    ['a picture without pixels', { images: [{ ...answerOf('a').images[0], size: {} }] }],
    ['a mode that there is not', { mode: 'video' }],
    ['a price that is text', { cost: '1' }],
    ['a failure that there is not', { attempts: [{ ...answerOf('a').attempts[0], errorCode: 1 }] }],
  ])('is no answer with %s', (_what, part) => {
    expect(readAnswer(JSON.stringify({ ...answerOf('a'), ...part }))).toBeUndefined()
  })

  it('is no order when it would have the result posted to what is no web address', () => {
    for (const webhookUrl of ['file:///etc/passwd', 'no URL', '', '//example.org']) {
      expect(readOrder(JSON.stringify(orderOf(1, { webhookUrl })))).toBeUndefined()
    }
  })
})
