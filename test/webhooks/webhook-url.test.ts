import { describe, expect, it } from 'vitest'
import { GatewayError } from '#src/domain/errors.ts'
import { createOutboundRules } from '#src/images/outbound-rules.ts'
import { createWebhookUrlCheck } from '#src/webhooks/webhook-url.ts'

const rules = createOutboundRules(['hooks.test:8080'])
const check = createWebhookUrlCheck({ rules, canSign: true })

const refusalOf = (work: () => void) => {
  try {
    work()
  } catch (error) {
    const { code, status, message, options } = error as GatewayError
    expect(error).toBeInstanceOf(GatewayError)
    return { code, status, message, options }
  }
  throw new Error('It was taken')
}

const refused = (message: string) => ({
  code: 'INVALID_REQUEST',
  status: 400,
  message,
  options: { param: 'webhook_url' },
})

describe('a webhook_url', () => {
  it.each([
    'https://example.com/hook?token=x',
    'https://example.com:8443',
    'https://8.8.8.8/',
    'http://hooks.test:8080/hook',
    `https://example.com/${'x'.repeat(2_048 - 20)}`,
  ])('may be %s', (url) => {
    expect(() => check(url)).not.toThrow()
  })

  it('is a 503 while too many webhooks wait for their receivers, but one that is wrong is still wrong', () => {
    let isFull = true
    const checkFull = createWebhookUrlCheck({ rules, canSign: true, isFull: () => isFull })
    expect(refusalOf(() => checkFull('https://example.com/hook'))).toMatchObject({
      code: 'OVERLOADED',
      status: 503,
      options: { param: 'webhook_url', retryAfterMs: 30_000 },
    })
    expect(refusalOf(() => checkFull('hook'))).toMatchObject({ status: 400 })
    isFull = false
    expect(() => checkFull('https://example.com/hook')).not.toThrow()
  })

  it.each([
    ['hook', 'webhook_url must be an https URL.'],
    ['', 'webhook_url must be an https URL.'],
    ['http://example.com/hook', 'webhook_url must be an https URL.'],
    ['ftp://example.com/hook', 'webhook_url must be an https URL.'],
    ['http://hooks.test:8081/hook', 'webhook_url must be an https URL.'],
    ['https://user:pass@example.com/', 'webhook_url must not contain credentials.'],
    ['https://127.0.0.1/hook', 'webhook_url points to an address that is not public.'],
    ['https://[::1]/hook', 'webhook_url points to an address that is not public.'],
    ['https://0x7f000001/hook', 'webhook_url points to an address that is not public.'],
    [
      `https://example.com/${'x'.repeat(2_048 - 19)}`,
      'webhook_url must have at most 2048 characters.',
    ],
  ])('may not be %s', (url, message) => {
    expect(refusalOf(() => check(url))).toEqual(refused(message))
  })

  it('is refused by a gateway that cannot sign, with the variable that is missing', () => {
    const checkUnsigned = createWebhookUrlCheck({ rules, canSign: false })
    expect(refusalOf(() => checkUnsigned('https://example.com/'))).toEqual(
      refused(
        'webhook_url cannot be used here: the operator of this gateway has to set WEBHOOK_SIGNING_SECRET.',
      ),
    )
  })
})
