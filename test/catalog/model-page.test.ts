import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCatalog, type Model } from '#src/catalog/catalog.ts'
import { type ModelPage, renderModelPage } from '#src/catalog/model-page.ts'
import type { CardParameter } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import { performanceToShow, type ShownPerformance } from '#src/domain/performance.ts'
import { FIRST_MODEL, readAllModelFiles, readFirstModelFile } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { startTestGateway, TEST_KEY, type TestGateway } from '#test/helpers/start-test-gateway.ts'

const root = new URL('../..', import.meta.url).pathname

const modelOf = (file: ModelFile): Model => createCatalog([file]).models[0] as Model

const render = (part: Partial<ModelPage> = {}, file = readFirstModelFile()): string =>
  renderModelPage({
    model: modelOf(file),
    baseUrl: 'https://images.example',
    providerNames: new Map([
      ['gemini', 'Gemini API'],
      ['vertex', 'Vertex AI'],
      ['fal', 'fal.ai'],
      ['replicate', 'Replicate'],
    ]),
    configuredProviders: new Set(['gemini', 'fal']),
    performance: new Map(),
    ...part,
  })

/** The lines under a heading, up to the next of its level or above. */
const under = (page: string, heading: string): string[] => {
  const lines = page.split('\n')
  const level = heading.indexOf(' ')
  const start = lines.indexOf(heading)
  expect(start).toBeGreaterThanOrEqual(0)
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= level)
  return (end < 0 ? rest : rest.slice(0, end)).filter(Boolean)
}

const MODES = 'Modes: text_to_image, image_edit.'

describe('a model’s page', () => {
  const page = render()

  it('begins with name and description', () => {
    expect(page.split('\n').slice(0, 3)).toEqual([
      '# Nano Banana 2',
      '',
      expect.stringMatching(/^> Fast multimodal model by Google /),
    ])
  })

  it('has its sections in order, each once', () => {
    expect(page.split('\n').filter((line) => line.startsWith('## '))).toEqual([
      '## Quick reference',
      '## Specifications',
      '## Parameters',
      '## Identifiers',
      '## Dates',
      '## Tags',
      '## Providers',
      '## Live performance over the last 30 days',
      '## Code examples',
    ])
  })

  it('has a quick reference', () => {
    expect(under(page, '## Quick reference')).toEqual([
      `- Model id: \`${FIRST_MODEL}\``,
      '- Creator: Google (`google`)',
      '- Status: active',
      '- Family: `gemini-3.1-flash`',
      '- Base URL: `https://images.example/openai/v1`',
      '- Endpoint of text_to_image: `POST /images/generations`',
      '- Endpoint of image_edit: `POST /images/edits`',
      '- Starting price: $0.045 per image',
      `- Parameter schemas: https://images.example/openai/v1/models/${FIRST_MODEL}?schema=true`,
      '- API reference: https://images.example/docs',
      `- Providers as JSON: https://images.example/v1/models/${FIRST_MODEL}/providers`,
    ])
  })

  it('has specifications, identifiers, dates and tags', () => {
    expect(under(page, '## Specifications')).toContain('- Context window in tokens: 1,048,576')
    expect(under(page, '## Identifiers')).toContainEqual(
      expect.stringMatching(/^- Aliases: `gemini-3\.1-flash-image`, `nano-banana-2`, /),
    )
    expect(under(page, '## Dates')).toEqual([
      '- Released: 2026-02',
      expect.stringMatching(/^- Facts last read: \d{4}-\d\d-\d\d$/),
      expect.stringMatching(/^- Prices read: \d{4}-\d\d-\d\d( to \d{4}-\d\d-\d\d)?$/),
    ])
    expect(under(page, '## Tags')).toEqual(['multimodal, image-generation, fast'])
  })
})

describe('the parameters of the page', () => {
  const page = render()

  it('stand in their groups with type, need, values, modes and providers', () => {
    expect(under(page, '### Core')).toEqual([
      `- \`model\` (string, REQUIRED): Model id, alias or provider/model. ${MODES}`,
      `- \`prompt\` (string, REQUIRED): What to draw, or how to change the input images. From 1 to 50000 characters. ${MODES}`,
      `- \`seed\` (integer): Starting point of the random numbers; the same seed makes similar pictures, without a guarantee. From -2147483648 to 2147483647. ${MODES} Without effect at Replicate.`,
    ])
    expect(under(page, '### Media input')).toEqual([
      '- `image` (file, REQUIRED): Pictures to work on, in order. From 1 to 14 files. Modes: image_edit.',
    ])
    expect(under(page, '### Output format')).toContain(
      `- \`n\` (integer, default \`1\`): How many images to make. From 1 to 10. ${MODES}`,
    )
    const additional = under(page, '### Additional')
    expect(additional).toContain(
      `- \`safety_tolerance\` (string): How much is let through by the content filter, from 1 (strictest) to 6. Values: \`1\`, \`2\`, \`3\`, \`4\`, \`5\`, \`6\`. ${MODES} Only available via fal.ai.`,
    )
    expect(additional).toContain(
      `- \`quality\` (string): How much work goes into a picture, such as low, high, hd or auto. ${MODES} Taken from every client, but sent to no provider.`,
    )
    expect(additional).toContain(
      `- \`stream\` (boolean): Whether the answer comes as events. ${MODES} For the gateway itself, whichever provider serves.`,
    )
    expect(additional).toContain(
      `- \`partial_images\` (integer, default \`0\`): How many drafts a stream shows before each picture, at most; a model may make fewer. From 0 to 3. ${MODES} Without effect at fal.ai, Replicate.`,
    )
    expect(additional).toContain('  - `only` (array): Only these providers. From 1 to 32 entries.')
  })

  it('are all those of the compiled schemas', () => {
    const model = modelOf(readFirstModelFile())
    for (const compiled of Object.values(model.parameters)) {
      const names = Object.keys(compiled.schema['properties'] as object)
      for (const name of names) expect(page).toContain(`\n- \`${name}\` (`)
    }
  })

  it('show a mask as the one file that it is', () => {
    const file = readFirstModelFile()
    const mask: CardParameter = {
      type: 'file',
      group: 'media_input',
      modes: ['image_edit'],
      description: 'Where to change it.',
    }
    const parameters = { ...file.card.parameters, mask }
    const page = render({}, { ...file, card: { ...file.card, parameters } })
    expect(under(page, '### Media input')[1]).toMatch(
      /^- `mask` \(file\): Where to change it\. Modes: image_edit\./,
    )
  })

  it('say for which mode a parameter is needed or offered, where modes differ', () => {
    const file = readFirstModelFile()
    const [gemini, vertex, , falEdit] = file.offerings
    const offerings = [gemini, vertex, falEdit].filter((offering) => offering !== undefined)
    const additional = under(render({}, { ...file, offerings }), '### Additional')
    const line = additional.find((text) => text.startsWith('- `enable_web_search`'))
    expect(line).not.toContain('Only available')
    expect(additional.find((text) => text.startsWith('- `sync_mode`'))).toContain(
      'In text_to_image: No provider takes it. In image_edit: Only available via fal.ai.',
    )
  })
})

describe('the page of every model', () => {
  it('says nothing empty, and has an example of each mode', async () => {
    for (const file of await readAllModelFiles()) {
      const page = render({}, file)
      expect(page).not.toMatch(/undefined|NaN|Infinity|\[object|: $/m)
      const hasExample = { text_to_image: '### Text to image', image_edit: '### Image edit' }
      const modes = (['text_to_image', 'image_edit'] as const).filter((mode) =>
        page.includes(`\n${hasExample[mode]}\n`),
      )
      expect([file.card.id, modes]).toEqual([file.card.id, file.card.modes])
    }
  })
})

describe('the providers of the page', () => {
  it('have a section per offering with prices, notes and source', () => {
    const lines = under(render(), `### Gemini API: gemini/${FIRST_MODEL}`)
    expect(lines.slice(0, 10)).toEqual([
      `- Config key: \`gemini/${FIRST_MODEL}\``,
      '- Provider: Gemini API (`gemini`)',
      '- Provider model id: `gemini-3.1-flash-image`',
      '- Modes: text_to_image, image_edit',
      '- Regions: global',
      '- Configured here: yes',
      '- Deprecated since: 2026-10-06',
      "- Output image: 0.5K $0.045, 1K $0.067, 2K $0.101, 4K $0.151 per image; through the provider's batch interface 0.5K $0.022, 1K $0.034, 2K $0.05, 4K $0.076",
      "- Input tokens: $0.50 per million tokens; through the provider's batch interface $0.25",
      "- Output text tokens: $3.00 per million tokens; through the provider's batch interface $1.50",
    ])
    expect(lines[10]).toMatch(
      /^- Source of prices: https:\/\/.* \(read \d{4}-\d\d-\d\d, second-hand\): /,
    )
    expect(lines[11]).toMatch(/^- Note: /)
  })

  it('tell surcharges and what is not configured', () => {
    expect(under(render(), `### fal.ai: fal/${FIRST_MODEL}`)).toContain(
      '- Request: $0.002 per request, with `thinking_level: "high"`',
    )
    expect(under(render(), `### Replicate: replicate/${FIRST_MODEL}`)).toContain(
      '- Configured here: no',
    )
  })

  const live: ShownPerformance = {
    source: 'live',
    p50Ms: 26_026,
    p95Ms: 45_077,
    meanMs: 28_125,
    successRate: 0.8354,
    requests: 1413,
    timeToFirstByteP50Ms: 340,
    timeToFirstByteP95Ms: undefined,
    rateLimited: 3,
    refused: 1,
  }

  it('show how each did, and say where the figures come from', () => {
    const { offerings } = readFirstModelFile()
    const fromFile = offerings[1] && performanceToShow(undefined, offerings[1])
    const performance = new Map([
      [`gemini/${FIRST_MODEL}`, live],
      ...(fromFile ? [[`vertex/${FIRST_MODEL}`, fromFile] as const] : []),
    ])
    const lines = under(render({ performance }), '## Live performance over the last 30 days')
    expect(lines).toContain(
      `| Gemini API | \`gemini/${FIRST_MODEL}\` | 26.0 s | 45.1 s | 28.1 s | 83.5 % | 1413 | 340 ms | – | live |`,
    )
    expect(lines.find((line) => line.startsWith('| Vertex AI'))).toMatch(/\| model file \|$/)
    expect(lines).toContain(
      `| Replicate | \`replicate/${FIRST_MODEL}\` | – | – | – | – | 0 | – | – | none yet |`,
    )
    expect(lines.join()).toContain('were not measured by this gateway')
  })

  it('speak of no model file where all figures are live', () => {
    const performance = new Map([[`gemini/${FIRST_MODEL}`, live]])
    expect(render({ performance })).not.toContain('model file')
  })
})

describe('the code examples of the page', () => {
  it('read base64 where the model answers it', () => {
    const file = readFirstModelFile()
    const card = { ...file.card, defaultResponseFormat: 'b64_json' as const }
    const examples = under(render({}, { ...file, card }), '## Code examples').join('\n')
    expect(examples).toContain("Buffer.from(result.data[0].b64_json, 'base64')")
    expect(examples).toContain('base64.b64decode(result.data[0].b64_json)')
    expect(examples).not.toContain('.url)')
  })

  it('leave out modes that the model lacks', () => {
    const file = readFirstModelFile()
    const card = { ...file.card, modes: ['text_to_image' as const] }
    const lines = under(render({}, { ...file, card }), '## Code examples')
    expect(lines).toContain('### Text to image')
    expect(lines).not.toContain('### Image edit')
  })

  describe('run as written', () => {
    const run = promisify(execFile)
    let gateway: TestGateway
    let folder: string
    beforeAll(async () => {
      gateway = await startTestGateway()
      folder = await mkdtemp(join(tmpdir(), 'fresnel-page-'))
      await writeFile(join(folder, 'input.png'), await makePicture())
      await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    })
    afterAll(async () => {
      await gateway.close()
      await rm(folder, { recursive: true })
    })

    const blocksOf = (language: string): string[] => {
      const page = render({ baseUrl: gateway.url })
      return [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
        ([, block]) => block ?? '',
      )
    }
    const execute = async (command: string, args: string[]) => {
      const env = { ...process.env, GATEWAY_API_KEY: TEST_KEY }
      return (await run(command, args, { cwd: folder, env })).stdout
    }

    it('in curl', async () => {
      const blocks = blocksOf('sh')
      expect(blocks).toHaveLength(2)
      for (const block of blocks) {
        expect(await execute('bash', ['-c', block])).toContain(`${gateway.url}/v1/media/`)
      }
    })

    it('in JavaScript', async () => {
      const blocks = blocksOf('js')
      expect(blocks).toHaveLength(2)
      for (const block of blocks) {
        await writeFile(join(folder, 'example.mjs'), block)
        expect(await execute(process.execPath, ['example.mjs'])).toContain(
          `${gateway.url}/v1/media/`,
        )
      }
    })
  })
})
