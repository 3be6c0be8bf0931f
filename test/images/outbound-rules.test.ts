import type { LookupFunction } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  createGuardedConnector,
  createOutboundRules,
  createPublicLookup,
  isPublicAddress,
} from '#src/images/outbound-rules.ts'

const rules = createOutboundRules(['Localhost:8080', '[::1]:8443', 'files.internal:443'])
const refusalOf = (url: string): string | undefined => {
  try {
    rules.requireAllowedUrl(new URL(url))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const PRIVATE = [
  ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '10.1.2.3', '172.16.0.1', '192.168.1.1'],
  ...['169.254.169.254', '100.64.0.1', '192.0.0.8', '198.18.0.1', '203.0.113.1', '224.0.0.1'],
  ...['240.0.0.1', '255.255.255.255', '::', '::1', '::7f00:1', '::ffff:127.0.0.1'],
  ...['::ffff:169.254.169.254', '::ffff:0:7f00:1', '64:ff9b::7f00:1', '64:ff9b:1::a00:1'],
  ...['2002:7f00:1::', '2001::1', '2001:db8::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12::1'],
  ...['fec0::1', 'ff02::1', '100::1', '4000::1', 'localhost', ''],
]

describe('isPublicAddress', () => {
  it.each(PRIVATE)('is false for %j', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    'is true for %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )
})

describe('requireAllowedUrl', () => {
  it.each([
    ['https://example.com/a.png', undefined],
    ['https://example.com:8443/a.png', undefined],
    ['https://8.8.8.8/a.png', undefined],
    ['http://example.com/a.png', 'must be an https URL'],
    ['ftp://example.com/a.png', 'must be an https URL'],
    ['file:///etc/passwd', 'must be an https URL'],
    ['https://user:secret@example.com/', 'must not contain credentials'],
    ['https://user@localhost:8080/', 'must not contain credentials'],
    ['https://127.0.0.1/', 'points to an address that is not public'],
    ['https://2130706433/', 'points to an address that is not public'],
    ['https://0x7f.1/', 'points to an address that is not public'],
    ['https://[::ffff:7f00:1]/', 'points to an address that is not public'],
    ['https://[fd00::1]/', 'points to an address that is not public'],
    ['http://localhost:8080/', undefined],
    ['https://localhost:8080/', undefined],
    ['http://localhost:8081/', 'must be an https URL'],
    ['https://[::1]:8443/', undefined],
    ['https://files.internal/', undefined],
    ['http://files.internal/', 'must be an https URL'],
    ['http://files.internal:443/', undefined],
  ])('judges %s', (url, refusal) => {
    expect(refusalOf(url)).toBe(refusal)
  })
})

const resolvingTo =
  (...addresses: string[]): LookupFunction =>
  (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

const resolve = (lookup: LookupFunction) =>
  new Promise<unknown>((done) => {
    createPublicLookup(lookup)('a.test', { all: true }, (error, found) =>
      done(error?.message ?? found),
    )
  })

describe('createPublicLookup', () => {
  it('passes on public addresses as they are', async () => {
    expect(await resolve(resolvingTo('8.8.8.8', '2606:4700::1111'))).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ])
  })

  it('fails when any address is not public', async () => {
    expect(await resolve(resolvingTo('8.8.8.8', '10.0.0.1'))).toBe(
      'points to an address that is not public',
    )
  })

  it('checks a single address too, and passes on failures', async () => {
    const single: LookupFunction = (_hostname, _options, callback) => callback(null, '10.0.0.1', 4)
    const failing: LookupFunction = (_hostname, _options, callback) =>
      callback(new Error('ENOTFOUND'), '', 0)
    expect(await resolve(single)).toBe('points to an address that is not public')
    expect(await resolve(failing)).toBe('ENOTFOUND')
  })
})

describe('createGuardedConnector', () => {
  it.each(['127.0.0.1', '[::1]', '::1'])(
    'opens no connection to the literal %s',
    async (hostname) => {
      const connect = createGuardedConnector(rules, resolvingTo('8.8.8.8'))
      const error = await new Promise<Error | null>((done) => {
        connect({ hostname, protocol: 'https:', port: '9' }, (...[refusal]) => done(refusal))
      })
      expect(error?.message).toBe('points to an address that is not public')
    },
  )
})
