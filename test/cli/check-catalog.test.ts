import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Catalog, createCatalog } from '#src/catalog/catalog.ts'
import { checkCatalog, type OfferingFinding } from '#src/cli/catalog-findings.ts'
import { exitStatusOf, renderJson, renderReport } from '#src/cli/catalog-report.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { PublishedModels } from '#src/domain/published-model.ts'
import { EMULATED_PROVIDERS, type Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'
import { ownModels } from '#test/helpers/own-models.ts'

const command = new URL('../../src/cli/check-catalog.ts', import.meta.url).pathname

const run = async (args: readonly string[], environment: Record<string, string>, cwd: string) => {
  const child = spawn(process.execPath, [command, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [code, stdout, stderr] = await Promise.all([
    new Promise<number | null>((resolve) => child.once('close', resolve)),
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, stdout, stderr }
}

/** The first model, no longer as its providers have it, in every way that there is. */
const drifted = (): ModelFile => {
  const file = readFirstModelFile()
  const [fal, replicate] = [file.mappings['fal'], file.mappings['replicate']]
  if (!fal || !replicate) throw new Error('no mappings')
  fal.rules['thinking_level'] = { to: 'thinking' }
  fal.rules['output_format'] = {
    to: 'output_format',
    values: ['png', 'jpeg'],
    otherwise: 'emulate',
  }
  fal.rules['n'] = { to: 'num_images', maximum: 8 }
  fal.rules['safety_tolerance'] = { const: 4, to: 'safety_tolerance' }
  replicate.rules['resolution'] = { to: 'resolution', codec: 'nearest_tier', values: ['1K', '8K'] }
  replicate.rules['prompt'] = { to: 'system_prompt' }
  for (const offering of file.offerings) {
    if (offering.provider === 'gemini') offering.providerModelId = 'gemini-gone'
  }
  return file
}

// Processes that start take long on a busy machine.
describe('npm run catalog:check', { timeout: 60_000 }, () => {
  let emulators: Emulators
  let folder: string
  let environment: Record<string, string>
  beforeAll(async () => {
    emulators = await startEmulators()
    folder = await mkdtemp(join(tmpdir(), 'fresnel-check-'))
    environment = { ...emulators.environment, FAL_SCHEMA_BASE_URL: emulators.fal.url }
  })
  afterAll(async () => {
    await emulators.close()
    await rm(folder, { recursive: true })
  })

  it('ends with 0 when the catalogue is as its providers have it, and makes no picture', async () => {
    const { code, stdout, stderr } = await run([], environment, folder)
    expect([code, stderr]).toEqual([0, ''])
    for (const id of EMULATED_PROVIDERS) {
      expect(stdout).toMatch(new RegExp(`^${id}: \\d+ offerings read, 0 with drift$`, 'm'))
      expect(emulators[id].count('create')).toBe(0)
    }
    expect(stdout).not.toContain('Drift:')
  })

  it('ends with 1 and says all that has drifted, in a model of the operator’s own too', async () => {
    await ownModels(folder).put('drifted', drifted())
    const own = { ...environment, MODELS_DIR: folder }
    const { code, stdout } = await run(['--json'], own, folder)
    expect(code).toBe(1)
    const { offerings } = JSON.parse(stdout) as { offerings: OfferingFinding[] }
    const found = offerings
      .filter(({ state }) => state === 'drift')
      .map(({ configKey, drifts }) => [
        configKey,
        drifts.map(({ kind, field = '-' }) => `${kind} ${field}`),
      ])
    const name = 'gemini-3.1-flash-image-preview'
    expect(Object.fromEntries(found as [string, string[]][])).toEqual({
      [`gemini/${name}`]: ['gone -'],
      [`fal/${name}`]: expect.arrayContaining([
        'range num_images',
        'field thinking',
        'value safety_tolerance',
      ]),
      [`fal/${name}-edit`]: expect.arrayContaining(['range num_images', 'field thinking']),
      [`replicate/${name}`]: expect.arrayContaining([
        'value resolution',
        'field system_prompt',
        'required prompt',
      ]),
    })
    const more = offerings.find(({ configKey }) => configKey === `fal/${name}`)?.drifts
    expect(more).toContainEqual({
      kind: 'more',
      field: 'output_format',
      message: 'takes "webp", too',
    })
  })

  it('ends with 2 when nothing could be read, and shows no key', async () => {
    const planted = 'planted-key-0123456789'
    const wrong = {
      ...environment,
      GEMINI_API_KEY: planted,
      VERTEX_API_KEY: planted,
      REPLICATE_API_TOKEN: planted,
      FAL_SCHEMA_BASE_URL: 'http://127.0.0.1:1',
    }
    const { code, stdout, stderr } = await run([], wrong, folder)
    expect([code, stderr]).toEqual([2, ''])
    expect(stdout).toContain('Gemini API does not accept the configured API key')
    expect(stdout).toContain('fal.ai could not be reached (ECONNREFUSED)')
    expect(stdout).not.toContain(planted)
  })

  it('skips providers without a key and says so, but for fal, which needs none', async () => {
    const { FAL_SCHEMA_BASE_URL = '' } = environment
    const { code, stdout } = await run([], { FAL_SCHEMA_BASE_URL }, folder)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^gemini: skipped, as it is not configured \(\d+ offerings\)$/m)
    expect(stdout).toMatch(/^fal: \d+ offerings read, 0 with drift$/m)
  })

  it.each([
    [['--provider', 'nobody'], {}, '--provider nobody is unknown; there are: gemini, vertex'],
    [['--what'], {}, "Unknown option '--what'"],
    [[], { MODELS_DIR: '/nowhere/models' }, '/nowhere/models: cannot be read: no such file'],
    [[], { LOG_LEVEL: 'loud', REPLICATE_BASE_URL: 'here' }, 'The configuration has 2 problem(s)'],
  ])('ends with 2 when it cannot begin: %j %j', async (args, part, message) => {
    const { code, stdout, stderr } = await run(args, { ...environment, ...part } as never, folder)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
  })
})

describe('checking a catalogue', () => {
  const catalog: Catalog = createCatalog([readFirstModelFile()])
  const check = (read: PublishedModels['read'], limitMs = 1_000) =>
    checkCatalog(catalog, {
      readers: new Map(['gemini', 'vertex', 'fal', 'replicate'].map((id) => [id, { read }])),
      limitMs,
    })
  const good = { problems: [] }

  it('reads each model of a provider once, and four at once at most', async () => {
    const asked: string[] = []
    let [present, most] = [0, 0]
    const twice = createCatalog([
      readFirstModelFile(),
      ...['a', 'b', 'c'].map((id) => {
        const file = readFirstModelFile()
        file.card = { ...file.card, id, aliases: [] }
        for (const offering of file.offerings) {
          offering.configKey = `${offering.configKey}-${id}`
          if (id !== 'a') offering.providerModelId += `-${id}`
        }
        return file
      }),
    ])
    const read = async (providerModelId: string) => {
      asked.push(providerModelId)
      present += 1
      most = Math.max(most, present)
      await new Promise(setImmediate)
      present -= 1
      return good
    }
    const readers = new Map([
      ['fal', { read }],
      ['replicate', { read }],
    ])
    const findings = await checkCatalog(twice, { readers, limitMs: 1_000 })
    expect(findings).toHaveLength(20)
    expect(asked).toHaveLength(9)
    expect(new Set(asked).size).toBe(9)
    expect(most).toBe(4)
  })

  it('waits for no answer longer than it says, whatever the reader does', async () => {
    const [first] = await check(() => new Promise(() => undefined), 20)
    expect(first).toMatchObject({ state: 'unread', reason: 'no answer within 0.02 s', drifts: [] })
  })

  it('tells failures in words of its own', async () => {
    const publicMessage = 'fal.ai answered with status 500'
    const details = { kind: 'overloaded', workMayExist: false, publicMessage } as const
    const failing = await check(() => Promise.reject(new ProviderError(details)))
    expect(failing[0]?.reason).toBe(publicMessage)
    const strange = await check(() => Promise.reject(new Error('secret')))
    expect(strange[0]?.reason).toBe('what it answers cannot be read')
  })
})

describe('the report of a check', () => {
  const finding = (part: Partial<OfferingFinding> = {}): OfferingFinding => ({
    configKey: 'fal/a',
    provider: 'fal',
    providerModelId: 'fal-ai/a',
    state: 'same',
    drifts: [],
    ...part,
  })
  const drift = finding({
    configKey: 'fal/another',
    state: 'drift',
    drifts: [
      { kind: 'value', field: 'quality', message: 'is sent "high"; taken: "low"' },
      { kind: 'more', field: 'tone', message: 'takes "warm", too' },
    ],
  })
  const unread = finding({ configKey: 'fal/b', state: 'unread', reason: 'no answer within 20 s' })
  const skipped = finding({ provider: 'gemini', state: 'skipped', reason: 'not configured' })

  it('is a table for people', () => {
    expect(renderReport([finding(), drift, unread, skipped])).toBe(
      `fal: 2 offerings read, 1 with drift; 1 not read
gemini: skipped, as it is not configured (1 offering)

Drift: requests may fail, or not do what was asked

OFFERING     MODEL THERE  FIELD    WHAT
fal/another  fal-ai/a     quality  is sent "high"; taken: "low"

Taken there besides what the catalogue offers: no request fails for it

OFFERING     MODEL THERE  FIELD  WHAT
fal/another  fal-ai/a     tone   takes "warm", too

Not read

OFFERING  MODEL THERE  WHY
fal/b     fal-ai/a     no answer within 20 s`,
    )
  })

  it('is one line for each provider when there is nothing to tell', () => {
    expect(renderReport([finding()])).toBe('fal: 1 offering read, 0 with drift')
  })

  it('is JSON for programs', () => {
    expect(JSON.parse(renderJson([finding(), drift, unread, skipped]))).toEqual({
      summary: { same: 1, drift: 1, unread: 1, skipped: 1 },
      offerings: [finding(), drift, unread, skipped],
    })
  })

  it.each([
    [0, [finding(), unread, skipped]],
    [1, [finding(), drift, unread]],
    [2, [unread, skipped]],
    [2, []],
  ])('means status %i', (status, findings) => {
    expect(exitStatusOf(findings)).toBe(status)
  })
})
