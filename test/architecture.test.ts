import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname

/** Lints these files under the project's own rules, in a folder of their own; gives the rules that were broken. */
const lint = async (folder: string, files: Record<string, string>): Promise<string[]> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  const output = await new Promise<string>((resolve) => {
    const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=100', '--reporter=json', folder]
    execFile(join(root, 'node_modules/.bin/biome'), args, { cwd: folder }, (_error, stdout) =>
      resolve(stdout),
    )
  })
  const { diagnostics } = JSON.parse(output) as {
    diagnostics: { category: string; severity: string }[]
  }
  return diagnostics.map(({ category }) => category.replace('lint/', ''))
}

const RESTRICTED = 'style/noRestrictedImports'

describe('the dependency rule', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-architecture-'))
    await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const seed = async (path: string, content: string) => {
    const rules = await lint(folder, { [path]: content })
    await rm(join(folder, path))
    return rules
  }

  it.each([
    ['src/domain/seed.ts', '#src/catalog/catalog.ts'],
    ['src/bytes/seed.ts', '#src/images/media-store.ts'],
    ['src/catalog/seed.ts', '#src/routing/choose-next.ts'],
    ['src/routing/seed.ts', '#src/generation/events.ts'],
    ['src/generation/seed.ts', '#src/http/limits.ts'],
    ['src/generation/seed.ts', '#src/state/memory/memory-request-log.ts'],
    ['src/images/seed.ts', '#src/catalog/catalog.ts'],
    ['src/simulation/seed.ts', '#src/state/local-exchange.ts'],
    ['src/simulation/seed.ts', '#src/generation/events.ts'],
    ['src/state/seed.ts', '#src/routing/choose-next.ts'],
    ['src/telemetry/seed.ts', '#src/http/limits.ts'],
    ['src/webhooks/seed.ts', '#src/http/limits.ts'],
    ['src/webhooks/seed.ts', '#src/images/media-store.ts'],
    ['src/http/seed.ts', '#src/webhooks/send-webhook.ts'],
    ['src/generation/seed.ts', '#src/webhooks/send-webhook.ts'],
    ['src/http/seed.ts', '#src/state/memory/memory-request-log.ts'],
    ['src/http/seed.ts', '#providers/provider-modules.ts'],
    ['src/console/seed.ts', '#src/domain/errors.ts'],
    ['src/console/seed.ts', 'fastify'],
    ['src/console/page/seed.ts', '#src/domain/errors.ts'],
    ['src/console/page/seed.ts', 'node:fs'],
    ['providers/fal/seed.ts', '#src/catalog/catalog.ts'],
    ['providers/fal/seed.ts', '#providers/gemini/index.ts'],
    ['src/app.ts', '#test/helpers/models.ts'],
    ['src/http/routes/seed.ts', '../limits.ts'],
    ['src/generation/seed.ts', 'fastify'],
    ['src/http/seed.ts', 'ioredis'],
    ['src/http/seed.ts', 'sharp'],
    ['src/routing/seed.ts', 'prom-client'],
    ['src/generation/seed.ts', '@opentelemetry/api'],
    ['src/start-tracing.ts', '@opentelemetry/sdk-trace'],
    ['src/main.ts', '@google/genai'],
    ['src/domain/seed.ts', '@fal-ai/client'],
    ['src/images/seed.ts', 'replicate'],
    ['src/webhooks/seed.ts', 'fastify'],
    ['src/main.ts', '@aws-sdk/client-s3'],
    ['src/http/seed.ts', '@aws-sdk/client-s3'],
    ['providers/fal/seed.ts', '@aws-sdk/client-s3'],
  ])('forbids %s to import %s', async (path, specifier) => {
    expect(await seed(path, `import { a } from '${specifier}'\nexport const b = a\n`)).toEqual([
      RESTRICTED,
    ])
  })

  it.each([
    ['src/http/seed.ts', '#src/generation/events.ts'],
    ['src/generation/seed.ts', '#src/routing/choose-next.ts'],
    ['src/simulation/seed.ts', '#src/routing/choose-next.ts'],
    ['providers/fal/seed.ts', '#providers/lib/job.ts'],
    ['providers/fal/seed.ts', '@fal-ai/client'],
    ['src/http/seed.ts', '#src/console/console-files.ts'],
    ['src/console/page/seed.ts', '#console/gateway.ts'],
    ['src/images/seed.ts', 'sharp'],
    ['src/images/seed.ts', '@aws-sdk/client-s3'],
    ['src/state/seed.ts', 'ioredis'],
    ['src/webhooks/seed.ts', '#src/images/outbound-rules.ts'],
    ['src/telemetry/seed.ts', '@opentelemetry/api'],
  ])('allows %s to import %s', async (path, specifier) => {
    expect(await seed(path, `import { a } from '${specifier}'\nexport const b = a\n`)).toEqual([])
  })

  it('lets the configuration alone read the environment', async () => {
    const content = 'export const home = process.env.HOME\n'
    expect(await seed('src/http/seed.ts', content)).toEqual(['style/noProcessEnv'])
    expect(await seed('src/config.ts', content)).toEqual([])
  })

  it('forbids circles', async () => {
    const rules = await lint(folder, {
      'src/domain/one.ts': "import { two } from './two.ts'\nexport const one = () => two\n",
      'src/domain/two.ts': "import { one } from './one.ts'\nexport const two = () => one\n",
    })
    expect(rules).toEqual(['suspicious/noImportCycles', 'suspicious/noImportCycles'])
  })
})
