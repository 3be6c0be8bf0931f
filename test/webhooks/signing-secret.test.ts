import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { readSigningSecret, signingSecretProblem } from '#src/webhooks/signing-secret.ts'
import { createWebhookSigner, webhookIdOf } from '#src/webhooks/webhook-headers.ts'

const bytes = Buffer.from('0123456789abcdef01234567')
const whsec = (length: number) => `whsec_${Buffer.alloc(length, 'secret').toString('base64')}`

describe('a signing secret', () => {
  it("is the bytes behind the scheme's prefix, or its own characters", () => {
    expect(readSigningSecret(`whsec_${bytes.toString('base64')}`)).toEqual(bytes)
    expect(readSigningSecret(String(bytes))).toEqual(bytes)
  })

  it.each([whsec(24), whsec(25), whsec(64), 'x'.repeat(24), 'x'.repeat(200)])(
    'may be %s',
    (secret) => {
      expect(signingSecretProblem(secret)).toBeUndefined()
    },
  )

  it.each([
    [whsec(23), 'must be 24 to 64 bytes in base64 after "whsec_"'],
    [whsec(65), 'must be 24 to 64 bytes in base64 after "whsec_"'],
    ['whsec_', 'must be 24 to 64 bytes in base64 after "whsec_"'],
    [`whsec_${'*'.repeat(40)}`, 'has no base64 after "whsec_"'],
    [`whsec_${'A'.repeat(33)}`, 'has no base64 after "whsec_"'],
    [
      'x'.repeat(23),
      'must have at least 24 characters of printable ASCII, or be "whsec_" with base64 after it',
    ],
    [
      'ö'.repeat(24),
      'must have at least 24 characters of printable ASCII, or be "whsec_" with base64 after it',
    ],
  ])('may not be %s', (secret, problem) => {
    expect(signingSecretProblem(secret)).toBe(problem)
    expect(() => readSigningSecret(secret)).toThrow(problem)
  })

  it('is read from the environment', () => {
    const secret = whsec(32)
    expect(
      readConfig({ FAL_KEY: 'k', WEBHOOK_SIGNING_SECRET: secret }, providerModules),
    ).toMatchObject({ webhookSigningSecret: secret })
    expect(readConfig({ FAL_KEY: 'k' }, providerModules)).not.toHaveProperty('webhookSigningSecret')
  })

  it('that cannot be used ends the start without being shown', () => {
    const read = () =>
      readConfig({ FAL_KEY: 'k', WEBHOOK_SIGNING_SECRET: 'too-short' }, providerModules)
    expect(read).toThrow('WEBHOOK_SIGNING_SECRET must have at least 24 characters')
    expect(read).not.toThrow('too-short')
  })
})

describe('the headers of a webhook', () => {
  it.each([
    ['the scheme spelling', `whsec_${bytes.toString('base64')}`],
    ['plain text', String(bytes)],
  ])("are what the scheme's library verifies, from %s", (_, secret) => {
    const nowMs = Date.now()
    const headers = createWebhookSigner(secret)('msg_1', nowMs, '{"a":"ä"}')
    expect(headers).toEqual({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(nowMs / 1000)),
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    })
    const receiver = new Webhook(`whsec_${bytes.toString('base64')}`)
    expect(receiver.verify('{"a":"ä"}', headers)).toEqual({ a: 'ä' })
    expect(() => receiver.verify('{"a":"b"}', headers)).toThrow('No matching signature')
  })

  it('name a request once, whoever else chose its id, and never hold a dot', () => {
    const subject = { requestId: 'one.two', keyId: 'key-1', createdAtMs: 1_000, nonce: 'a' }
    const id = webhookIdOf(subject)
    expect(id).toMatch(/^msg_[0-9a-f]{32}$/)
    expect(webhookIdOf({ ...subject })).toBe(id)
    const others = [
      { ...subject, requestId: 'one' },
      { ...subject, keyId: 'key-2' },
      { requestId: 'one.two', createdAtMs: 1_000, nonce: 'a' },
      { ...subject, createdAtMs: 1_001 },
      { ...subject, nonce: 'b' },
    ]
    expect(new Set([id, ...others.map(webhookIdOf)]).size).toBe(6)
  })
})
