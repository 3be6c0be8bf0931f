import { describe, expect, it } from 'vitest'
import { type ApiKey, hashKey, keyIdOf, UNLIMITED } from '#src/domain/api-key.ts'
import { systemClock } from '#src/domain/clock.ts'
import { createConfiguredRegistry } from '#src/state/configured-keys.ts'
import { createRedisConnection } from '#src/state/redis/connect.ts'
import { KeyLink } from '#src/state/redis/key-link.ts'
import { KEYS_PREFIX } from '#src/state/redis/key-names.ts'
import { writeKeyRecord } from '#src/state/redis/key-record.ts'
import { createRedisKeyRegistry } from '#src/state/redis-key-registry.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'

const ALL = 'gw:{keys}:all'

const keyOf = (text: string, source: ApiKey['source'] = 'api'): ApiKey => {
  const hash = hashKey(text)
  return { ...UNLIMITED, id: keyIdOf(hash), hash, source }
}

describe.skipIf(!hasRedisServer)(`keys that gateways share${redisReason}`, () => {
  const redis = redisOfTests()

  const connect = async (configured: readonly ApiKey[] = []) => {
    const { now, monotonicMs } = systemClock
    const link = new KeyLink(
      createRedisConnection(redis().url, { prefix: KEYS_PREFIX }),
      monotonicMs,
    )
    link.open()
    await expect.poll(() => link.trouble()).toBe(undefined)
    const keys = createRedisKeyRegistry({ link, configured, now })
    // On a busy machine one answer may come too late.
    await expect.poll(() => keys.refresh()).toBe(true)
    return keys
  }

  it('are known to the others after their next look', async () => {
    const [one, other] = [await connect(), await connect()]
    expect(one.asksForKeys()).toBe(false)
    const { key, secret } = await one.create({ ...UNLIMITED, name: 'shop' })
    expect(one.findByHash(hashKey(secret))).toEqual(key)
    expect(other.findByHash(key.hash)).toBe(undefined)
    await other.refresh()
    expect(other.findByHash(key.hash)).toEqual(key)
    await other.remove(key.id)
    await one.refresh()
    expect(one.find(key.id)).toBe(undefined)
    // Removing the last key does not open the gateway, nor one that begins then.
    expect(one.asksForKeys()).toBe(true)
    expect((await connect()).asksForKeys()).toBe(true)
  })

  it('are not asked for as long as none is known of', async () => {
    const { now, monotonicMs } = systemClock
    const nowhere = createRedisConnection('redis://127.0.0.1:1', { prefix: KEYS_PREFIX })
    const link = new KeyLink(nowhere, monotonicMs)
    const keys = createRedisKeyRegistry({ link, configured: [], now })
    await keys.refresh()
    expect([keys.asksForKeys(), keys.isComplete()]).toEqual([false, false])
    const others = createRedisKeyRegistry({ link, configured: [keyOf('a', 'file')], now })
    expect(others.asksForKeys()).toBe(true)
  })

  it('leave no account behind for good when they are removed', async () => {
    const keys = await connect()
    const { key } = await keys.create(UNLIMITED)
    const account = `gw:{key:${key.id}}:$total`
    await redis().client.hset(account, 'spent', 5)
    await keys.remove(key.id)
    expect(await redis().client.pttl(account)).toBeGreaterThan(30 * 24 * 3_600_000)
  })

  it('are changed by several at once without losing a change', async () => {
    const [one, other] = [await connect(), await connect()]
    const { key } = await one.create(UNLIMITED)
    await Promise.all([
      one.change(key.id, { name: 'shop' }),
      other.change(key.id, { limits: { concurrent: 3 } }),
      one.change(key.id, { budget: { limit: 7, period: 'day' } }),
    ])
    await one.refresh()
    expect(one.find(key.id)).toEqual({
      ...key,
      name: 'shop',
      limits: { concurrent: 3 },
      budget: { limit: 7, period: 'day' },
    })
  })

  it('come after those of the configuration, which are changed there', async () => {
    const configured = keyOf('configured', 'file')
    await redis().client.hset(ALL, {
      '#': 'x',
      [configured.id]: writeKeyRecord({ ...configured, isAdmin: true }),
    })
    const keys = await connect([configured])
    expect(keys.list()).toEqual([configured])
    expect(keys.findByHash(configured.hash)).toEqual(configured)
    await expect(keys.change(configured.id, {})).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: `The key "${configured.id}" stands in CONFIG_FILE: it is changed there.`,
    })
    await expect(keys.remove('key_none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('are left out where what lies in Redis is none', async () => {
    const [good, stranger] = [keyOf('good'), keyOf('stranger')]
    const record = writeKeyRecord(good)
    await redis().client.hset(ALL, {
      '#': 'x',
      [good.id]: record,
      [stranger.id]: record,
      key_text: 'no json',
      key_shape: '{"hash":1}',
      __proto__x: '{}',
    })
    const keys = await connect()
    expect(keys.list()).toEqual([good])
  })

  it('may be 10,000: they are found at once', async () => {
    const all = Array.from({ length: 10_000 }, (_, index) => keyOf(`key ${index}`))
    const fields = all.flatMap((key) => [key.id, writeKeyRecord(key)])
    await redis().client.hset(ALL, '#', 'x', ...fields)
    const keys = await connect()
    expect(keys.list()).toHaveLength(10_000)
    const begun = performance.now()
    for (const { hash } of all) keys.findByHash(hash)
    expect(performance.now() - begun).toBeLessThan(100)
  }, 20_000)

  it('cannot be changed while Redis is gone, and stay as they are', async () => {
    const keys = await connect()
    const { key } = await keys.create(UNLIMITED)
    redis().freeze()
    await expect(keys.change(key.id, { isEnabled: false })).rejects.toMatchObject({
      code: 'OVERLOADED',
    })
    await expect(keys.create(UNLIMITED)).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(await keys.refresh()).toBe(false)
    expect(keys.find(key.id)).toEqual(key)
    redis().thaw()
  })
})

describe('keys of a gateway without Redis', () => {
  const keys = createConfiguredRegistry([keyOf('one', 'environment')])

  it('are those of the configuration', async () => {
    expect([keys.asksForKeys(), keys.isComplete(), keys.list().length]).toEqual([true, true, 1])
    expect(keys.findByHash(hashKey('one'))?.id).toBe(keyIdOf(hashKey('one')))
  })

  it('cannot be created or changed, and that says why', async () => {
    const message = expect.stringContaining('set REDIS_URL')
    await expect(keys.create(UNLIMITED)).rejects.toMatchObject({ code: 'INVALID_REQUEST', message })
    await expect(keys.remove('key_other')).rejects.toMatchObject({ message })
    await expect(keys.change(keyIdOf(hashKey('one')), {})).rejects.toMatchObject({
      message: expect.stringContaining('GATEWAY_API_KEYS'),
    })
  })
})
