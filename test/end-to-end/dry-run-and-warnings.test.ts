import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'

const prompt = { model: FIRST_MODEL, prompt: 'p' }

const gateway = await gatewayOfFile()

describe('a dry run', () => {
  it('tells the price and sends nothing', async () => {
    const { status, body } = await gateway.post(`${GENERATIONS}?dryRun=true`, { ...prompt, n: 2 })
    expect([status, body]).toEqual([
      200,
      {
        estimated: true,
        model: FIRST_MODEL,
        provider: 'gemini',
        total_cost_micros: 134_000,
        currency: 'USD',
        components: [
          {
            type: 'output',
            metric: 'image',
            quantity: 2,
            billable_quantity: 2,
            unit_price: 0.067,
            total_cost: 134_000,
          },
        ],
      },
    ])
    expect(gateway.creates()).toBe(0)
  })

  it.each(['dryrun=true', 'dry_run=true', 'dry-run', 'dryRun=yes'])(
    'is a 400 when written %s: never a bill',
    async (query) => {
      expect((await gateway.post(`${GENERATIONS}?${query}`, prompt)).status).toBe(400)
      expect(gateway.creates()).toBe(0)
    },
  )

  it.each(['=True', '=TRUE', '=1', '=', ''])('is one too when written dryRun%s', async (flag) => {
    const { body } = await gateway.post(`${GENERATIONS}?dryRun${flag}`, prompt)
    expect(body.estimated).toBe(true)
    expect(gateway.creates()).toBe(0)
  })

  it('is a 400 when it is neither yes nor no', async () => {
    const { status, body } = await gateway.post(`${GENERATIONS}?dryRun=yess`, prompt)
    expect([status, body.error.param]).toEqual([400, 'dryRun'])
    expect(gateway.creates()).toBe(0)
  })

  it('refuses what a real request would be refused for', async () => {
    const { status } = await gateway.post(`${GENERATIONS}?dryRun=true`, { ...prompt, n: 20 })
    expect(status).toBe(400)
  })
})

describe('warnings', () => {
  it('say what was done otherwise than asked', async () => {
    const { body } = await gateway.post(GENERATIONS, {
      ...prompt,
      size: '1792x1024',
      quality: 'hd',
    })
    expect(body.size).toBe('1376x768')
    expect(body.warnings).toEqual([
      { type: 'unsupported', param: 'quality', message: expect.stringContaining('"quality"') },
      { type: 'adjusted', param: 'size', message: expect.stringContaining('1376x768') },
    ])
  })

  it('are left out when there is nothing to say', async () => {
    const { body } = await gateway.post(GENERATIONS, { ...prompt, size: '1024x1024' })
    expect(body).not.toHaveProperty('warnings')
  })

  it('name routing wishes that are not known', async () => {
    const { status, body } = await gateway.post(GENERATIONS, {
      ...prompt,
      provider: { hedge: true },
    })
    expect([status, body.warnings]).toMatchObject([
      200,
      [{ type: 'unsupported', param: 'provider.hedge' }],
    ])
  })

  it('are a 400 when the client is strict, and nothing is sent', async () => {
    const strict = { 'x-gateway-strict': 'true' }
    const { status, body } = await gateway.post(
      GENERATIONS,
      { ...prompt, size: '1792x1024' },
      strict,
    )
    expect([status, body.error.param]).toEqual([400, 'size'])
    expect(gateway.creates()).toBe(0)
  })
})

describe('a provider that there is not', () => {
  it.each(['order', 'ignore'])('in provider.%s is a warning', async (field) => {
    const part = { provider: { [field]: ['Gemini'] } }
    const { body } = await gateway.post(GENERATIONS, { ...prompt, ...part })
    expect(body.warnings).toEqual([expect.objectContaining({ param: `provider.${field}` })])
  })
})

it.each(['0.5:1', '016:09', '2.39:1'])('takes %s as a ratio', async (ratio) => {
  const { status } = await gateway.post(GENERATIONS, { ...prompt, aspect_ratio: ratio })
  expect(status).toBe(200)
})

it('takes size and aspect_ratio of one shape even when strict', async () => {
  const part = { size: '16:9', aspect_ratio: '32:18', provider: { strict: true } }
  expect((await gateway.post(GENERATIONS, { ...prompt, ...part })).status).toBe(200)
})

describe('a client that reads base64 only', () => {
  it('gets base64 without asking', async () => {
    const userAgent = { 'user-agent': 'ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/24' }
    const { body } = await gateway.post(GENERATIONS, prompt, userAgent)
    expect(Object.keys(body.data[0])).toEqual(['b64_json'])
  })
})
