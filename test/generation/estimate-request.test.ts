import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import { systemClock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { type JsonObject, withoutNulls } from '#src/domain/json.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { estimateRequest } from '#src/generation/estimate-request.ts'
import { presentEstimate } from '#src/http/estimate-answer.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { createRouting } from '#src/routing/routing.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'
import { objectsFor } from '#test/helpers/schema-arbitrary.ts'

const catalog = createFirstCatalog()
const { model } = catalog.resolve(FIRST_MODEL)
const adapters = new Map(
  [...ALL_PROVIDERS].map((id) => [id, { generate: () => Promise.reject(new Error('not called')) }]),
)
const routing = createRouting({
  models: catalog.models,
  configuredProviders: ALL_PROVIDERS,
  policy: DEFAULT_ROUTING_POLICY,
  clock: systemClock,
  timeScale: 1,
  closing: new AbortController().signal,
  random: () => 0.5,
})

const estimate = (part: Partial<ImageRequest>) => {
  const trace = createDecisionTrace('req_test', systemClock)
  return presentEstimate(estimateRequest({ catalog, adapters, routing }, imageRequest(part), trace))
}

const estimateAt = (provider: string, parameters: JsonObject) =>
  estimate({
    requestedModel: `${provider}/${FIRST_MODEL}`,
    parameters: { prompt: 'p', ...parameters },
  })

const images = (quantity: number, unitPrice: number) => ({
  type: 'output',
  metric: 'image',
  quantity,
  billable_quantity: quantity,
  unit_price: unitPrice,
  total_cost: Math.round(quantity * unitPrice * 1e6),
})
const surcharge = (quantity: number, unitPrice: number) => ({
  ...images(quantity, unitPrice),
  type: 'request',
  metric: 'request',
})

describe('the estimate of a dry run', () => {
  it.each<[string, JsonObject, number, object[]]>([
    ['gemini', { n: 2 }, 134_000, [images(2, 0.067)]],
    ['vertex', { resolution: '0.5K' }, 45_000, [images(1, 0.045)]],
    ['vertex', { n: 10, size: '4096x4096' }, 1_510_000, [images(10, 0.151)]],
    ['replicate', { resolution: '2K' }, 101_000, [images(1, 0.101)]],
    ['replicate', { resolution: '0.5K' }, 67_000, [images(1, 0.067)]],
    ['fal', { n: 4 }, 320_000, [images(4, 0.08)]],
    ['fal', { enable_web_search: true }, 95_000, [images(1, 0.08), surcharge(1, 0.015)]],
    [
      'fal',
      { n: 10, resolution: '2K', enable_web_search: true, thinking_level: 'high' },
      1_251_000,
      [images(10, 0.12), surcharge(3, 0.015), surcharge(3, 0.002)],
    ],
  ])('at %s of %j is %i micro-USD', (provider, parameters, total, components) => {
    expect(estimateAt(provider, parameters)).toEqual({
      estimated: true,
      model: FIRST_MODEL,
      provider,
      total_cost_micros: total,
      currency: 'USD',
      components,
    })
  })

  it.each(['text_to_image', 'image_edit'] as const)(
    'is a sum of whole micro-USD for whatever the schema of %s accepts, or a 400',
    (mode) => {
      const schema = model.parameters[mode]?.schema as JsonObject
      const { accepted } = objectsFor(schema, ['model', 'provider', 'image'])
      const uploaded = [{ bytes: inPieces([Buffer.alloc(9)]), format: 'png' as const }]
      fc.assert(
        fc.property(accepted, fc.boolean(), (body, isStrict) => {
          const parameters = withoutNulls(body)
          const pictures = mode === 'image_edit' ? { images: uploaded } : {}
          try {
            const answer = estimate({ mode, parameters, isStrict, ...pictures })
            const total = answer['total_cost_micros'] as number
            const lines = answer['components'] as { total_cost: number }[]
            expect(Number.isSafeInteger(total)).toBe(true)
            expect(total).toBeGreaterThanOrEqual(45_000)
            expect(lines.reduce((sum, line) => sum + line.total_cost, 0)).toBe(total)
          } catch (error) {
            if (!(error instanceof GatewayError)) throw error
            expect([error.code, error.status]).toEqual(['INVALID_REQUEST', 400])
            expect(Object.keys(body)).toContain(error.options.param)
          }
        }),
        { numRuns: 400 },
      )
    },
  )
})

describe('a parameter that only some providers have', () => {
  const google = ['gemini', 'vertex']
  it.each<[JsonObject, readonly string[]]>([
    [{ enable_web_search: true }, [...google, 'fal']],
    [{ google_search: true }, [...google, 'replicate']],
    [{ image_search: true }, [...google, 'replicate']],
    [{ limit_generations: true }, ['fal']],
    [{ safety_tolerance: '3' }, ['fal']],
    [{ sync_mode: true }, ['fal']],
    [{ thinking_level: 'high' }, [...google, 'fal']],
    [{ google_search: true, enable_web_search: true }, google],
  ])('%j restricts routing to %j', (parameters, providers) => {
    for (const provider of ALL_PROVIDERS) {
      const ask = () => estimateAt(provider, parameters)
      if (providers.includes(provider)) expect(ask()['provider']).toBe(provider)
      else expect(ask).toThrow(/does not take/)
    }
  })

  it('that no provider has together with another is a 400 that names one of them', () => {
    const parameters = { prompt: 'p', google_search: true, sync_mode: true }
    expect(() => estimate({ parameters })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', status: 400 }),
    )
  })
})

describe('a strict client', () => {
  const strictly = (parameters: JsonObject, part: Partial<ImageRequest> = {}) =>
    estimate({ isStrict: true, parameters: { prompt: 'p', ...parameters }, ...part })

  it.each<[string, JsonObject]>([
    ['quality', { quality: 'hd' }],
    ['style', { style: 'vivid' }],
    ['size', { size: '1792x1024' }],
    ['aspect_ratio', { aspect_ratio: '7:5' }],
    ['complexity', { complexity: 'low' }],
    ['output_compression', { output_compression: 80 }],
    ['aspect_ratio', { size: '16:9', aspect_ratio: '1:1' }],
  ])('is refused, naming %s, what would be a warning: %j', (param, parameters) => {
    expect(() => strictly(parameters)).toThrow(
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        options: expect.objectContaining({ param }),
      }),
    )
    expect(estimate({ parameters: { prompt: 'p', ...parameters } })['estimated']).toBe(true)
  })

  it('is refused wishes that the gateway itself cannot fulfil', () => {
    const warnings = [{ type: 'unsupported' as const, param: 'provider.zone', message: 'm' }]
    expect(() => strictly({}, { warnings })).toThrow(
      expect.objectContaining({ options: { param: 'provider.zone' } }),
    )
  })

  it('is sent to an offering that can do exactly what is asked', () => {
    expect(
      strictly({ resolution: '0.5K', seed: 7 }, { routing: { order: ['replicate'] } })['provider'],
    ).not.toBe('replicate')
  })

  it('may ask for a quality of a format that has one', () => {
    expect(strictly({ output_compression: 80, output_format: 'webp' })['estimated']).toBe(true)
  })
})
