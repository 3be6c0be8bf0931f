import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderConfigurationTable } from '#src/cli/configuration-table.ts'
import { renderModelsTable } from '#src/cli/models-table.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { startTestGateway, TEST_KEY, type TestGateway } from '#test/helpers/start-test-gateway.ts'

const root = new URL('..', import.meta.url).pathname
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const run = promisify(execFile)

const readmes = globSync('**/README.md', { cwd: root, exclude: (name) => name === 'node_modules' })
const readme = read('README.md')

/** Code blocks of one language in the main README. */
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    (match) => match[1] ?? '',
  )
const commands = blocks('sh').flatMap((block) => block.trim().split('\n'))

describe('READMEs', () => {
  it('stand in every folder of src and providers', () => {
    const folders = globSync(['src/*/', 'providers/*/'], { cwd: root })
    for (const folder of folders) expect(readmes).toContain(join(folder, 'README.md'))
  })

  it.each(readmes)('%s links to files that exist', (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
      (match) => match[1] ?? '',
    )
    const missing = links.filter((link) => !existsSync(join(root, dirname(path), link)))
    expect(missing).toEqual([])
  })
})

describe('the main README', () => {
  it('has the configuration table that npm run docs:configuration prints', () => {
    const [, table] = /<!-- npm run docs:configuration -->\n(.*?)\n<!-- end -->/s.exec(readme) ?? []
    expect(table).toBe(renderConfigurationTable())
  })

  it('has the table of models that npm run docs:models prints', async () => {
    const [, table] = /<!-- npm run docs:models -->\n(.*?)\n<!-- end -->/s.exec(readme) ?? []
    expect(table).toBe(await renderModelsTable())
  })

  it('names npm scripts and compose profiles that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const own = ['ci', 'install']
    for (const command of commands) {
      const script = /\bnpm (?:run )?([\w:-]+)/.exec(command)?.[1]
      if (script) expect([...own, ...Object.keys(scripts)]).toContain(script)
      const profile = /--profile (\w+)/.exec(command)?.[1]
      if (profile) expect(read('docker-compose.yml')).toContain(`profiles: [${profile}]`)
    }
    expect(commands.length).toBeGreaterThan(8)
  })

  describe('run as written', () => {
    let gateway: TestGateway
    let folder: string
    beforeAll(async () => {
      gateway = await startTestGateway()
      folder = await mkdtemp(join(tmpdir(), 'fresnel-readme-'))
      await writeFile(join(folder, 'picture.png'), await makePicture())
    })
    afterAll(async () => {
      await gateway.close()
      await rm(folder, { recursive: true })
    })
    const adapt = (text: string) =>
      text.replaceAll('http://127.0.0.1:8080', gateway.url).replaceAll('demo-key', TEST_KEY)

    it.each(commands.filter((command) => command.startsWith('curl')))('%s', async (command) => {
      const { stdout } = await run('bash', ['-c', adapt(command)], { cwd: folder })
      if (command.includes('llms.txt')) {
        expect(stdout).toMatch(/^# /)
        return
      }
      if (command.includes('"stream": true')) {
        expect(stdout).toContain('event: image_generation.completed')
        return
      }
      const answer = JSON.parse(stdout) as {
        error?: unknown
        data?: unknown[]
        estimated?: boolean
        routing?: object
      }
      expect(answer.error).toBeUndefined()
      const isEmpty = answer.data?.length === 0
      expect(!isEmpty && Boolean(answer.data ?? answer.estimated ?? answer.routing)).toBe(true)
    })

    it.each(blocks('js'))('%s', async (code) => {
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', adapt(code)], {
        cwd: root,
      })
      expect(stdout).toContain(`${gateway.url}/v1/media/`)
    })
  })
})
