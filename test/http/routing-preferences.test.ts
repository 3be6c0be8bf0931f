import { describe, expect, it } from 'vitest'
import { readRoutingWishes, readWishedTime } from '#src/http/routing-preferences.ts'

describe('routing wishes', () => {
  it('come from the body field', () => {
    const field = {
      order: ['fal'],
      only: ['fal', 'gemini'],
      ignore: ['vertex'],
      sort: 'price',
      max_price: 0.1,
      allow_fallbacks: false,
      strict: true,
    }
    expect(readRoutingWishes(field, {})).toEqual({
      routing: {
        order: ['fal'],
        only: ['fal', 'gemini'],
        ignore: ['vertex'],
        sort: 'price',
        maxPrice: 0.1,
        allowFallbacks: false,
      },
      isStrict: true,
      warnings: [],
    })
  })

  it('come from headers, which the body overrides', () => {
    const headers = {
      'x-gateway-provider-order': 'fal, gemini',
      'x-gateway-provider-only': 'fal',
      'x-gateway-provider-sort': 'latency',
      'x-gateway-strict': 'true',
    }
    expect(readRoutingWishes({ only: ['gemini'] }, headers)).toEqual({
      routing: { order: ['fal', 'gemini'], only: ['gemini'], sort: 'latency' },
      isStrict: true,
      warnings: [],
    })
  })

  it('are empty when nothing is wished', () => {
    expect(readRoutingWishes(undefined, {})).toEqual({ routing: {}, isStrict: false, warnings: [] })
  })

  it.each([
    [{ only: 'fal' }, 'provider.only'],
    [{ sort: 'fastest' }, 'provider.sort'],
    ['fal', 'provider'],
  ])('that are wrong are a 400: %j', (field, param) => {
    expect(() => readRoutingWishes(field, {})).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', options: { param } }),
    )
  })

  it('treat null as absent', () => {
    expect(readRoutingWishes({ sort: null, only: null }, {})).toMatchObject({
      routing: {},
      warnings: [],
    })
  })

  it('that are not known are reported, unless they ask for nothing', () => {
    const { warnings } = readRoutingWishes({ zone: 'eu', quantum: 1, other: false }, {})
    expect(warnings.map(({ type, param }) => [type, param])).toEqual([
      ['unsupported', 'provider.zone'],
      ['unsupported', 'provider.quantum'],
    ])
  })

  it.each(['true', 'True', '1'])('are strict by the header %s', (value) => {
    expect(readRoutingWishes(undefined, { 'x-gateway-strict': value }).isStrict).toBe(true)
  })

  it('leave the time that a request is given to itself', () => {
    expect(readWishedTime({ 'x-gateway-timeout-ms': '5000' })).toBe(5000)
    expect(readWishedTime({})).toBeUndefined()
    expect(() => readWishedTime({ 'x-gateway-timeout-ms': 'soon' })).toThrow(
      expect.objectContaining({ options: { param: 'x-gateway-timeout-ms' } }),
    )
  })

  it.each(['x-gateway-provider-sort', 'x-gateway-strict'])('refuse a senseless %s', (name) => {
    expect(() => readRoutingWishes(undefined, { [name]: 'soon' })).toThrow(
      expect.objectContaining({ options: { param: name } }),
    )
  })
})
