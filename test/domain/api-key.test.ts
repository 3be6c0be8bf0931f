import { describe, expect, it } from 'vitest'
import { type ApiKey, changeKey, hashKey, keyIdOf, UNLIMITED } from '#src/domain/api-key.ts'

const hash = hashKey('a key')
const key: ApiKey = {
  ...UNLIMITED,
  id: keyIdOf(hash),
  hash,
  name: 'shop',
  models: ['painter'],
  limits: { requestsPerMinute: 60, concurrent: 4 },
  budget: { limit: 5_000_000, period: 'day' },
  source: 'api',
}

describe('a key', () => {
  it('is named by the beginning of its hash', () => {
    expect(keyIdOf(hashKey('test'))).toBe('key_9f86d081884c')
  })

  it('keeps what a change does not speak of', () => {
    expect(changeKey(key, {})).toEqual(key)
    expect(changeKey(key, { isEnabled: false, limits: { concurrent: 8 } })).toEqual({
      ...key,
      isEnabled: false,
      limits: { requestsPerMinute: 60, concurrent: 8 },
    })
  })

  it('loses what a change takes away', () => {
    const change = {
      name: null,
      models: null,
      expiresAtMs: null,
      budget: null,
      limits: { requestsPerMinute: null },
    }
    const { name: _name, models: _models, budget: _budget, ...rest } = key
    expect(changeKey(key, change)).toEqual({ ...rest, limits: { concurrent: 4 } })
  })
})
