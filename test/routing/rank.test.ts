import { describe, expect, it } from 'vitest'
import type { RoutingPreferences } from '#src/domain/image-request.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import { rankCandidates } from '#src/routing/rank.ts'
import { createMemoryProviderHealth } from '#src/state/memory/memory-provider-health.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'

const catalog = createFirstCatalog()
const rank = (
  routing: RoutingPreferences = {},
  parameters: JsonObject = {},
  health = createMemoryProviderHealth(),
) => {
  const request = imageRequest({ routing, parameters: { prompt: 'p', ...parameters } })
  const { candidates } = selectCandidates(catalog.resolve(FIRST_MODEL), request, ALL_PROVIDERS)
  return rankCandidates(candidates, routing, health, 1000).map(({ offering }) => offering.provider)
}

describe('the order of candidates', () => {
  it("is the catalogue's when nothing is wished", () => {
    expect(rank()).toEqual(['gemini', 'vertex', 'fal', 'replicate'])
  })

  it('puts first what the client ordered', () => {
    expect(rank({ order: ['replicate', 'fal'] })).toEqual(['replicate', 'fal', 'gemini', 'vertex'])
  })

  it.each<[RoutingPreferences['sort'], string[]]>([
    ['latency', ['gemini', 'replicate', 'vertex', 'fal']],
    ['price', ['gemini', 'vertex', 'replicate', 'fal']],
    ['success', ['fal', 'gemini', 'vertex', 'replicate']],
  ])('follows sort %s', (sort, expected) => {
    expect(rank(sort ? { sort } : {})).toEqual(expected)
  })

  it('puts last what cannot honour the whole request', () => {
    expect(rank({ sort: 'price' }, { seed: 1 })).toEqual(['gemini', 'vertex', 'fal', 'replicate'])
    expect(rank({ sort: 'latency' }, { resolution: '0.5K' }).at(-1)).toBe('replicate')
  })

  it('puts last what is paused, until the pause ends, but never drops it', () => {
    const health = createMemoryProviderHealth()
    health.pause(`gemini/${FIRST_MODEL}`, { reason: 'rate_limited', sinceMs: 0, untilMs: 1001 })
    health.pause('vertex', { reason: 'taken_out', sinceMs: 0, untilMs: 2000 })
    expect(rank({}, {}, health)).toEqual(['fal', 'replicate', 'gemini', 'vertex'])
    const later = createMemoryProviderHealth()
    later.pause('gemini', { reason: 'taken_out', sinceMs: 0, untilMs: 1000 })
    expect(rank({}, {}, later)[0]).toBe('gemini')
  })

  it('keeps only the first when fallbacks are not allowed', () => {
    expect(rank({ allowFallbacks: false, order: ['fal'] })).toEqual(['fal'])
  })
})
