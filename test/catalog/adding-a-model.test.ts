import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '#test/helpers/redis-server.ts'

const root = new URL('../..', import.meta.url).pathname
const readme = readFileSync(join(root, 'src/catalog/README.md'), 'utf8')
const run = promisify(execFile)

/** Code blocks of one language, in order. */
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    (match) => match[1] ?? '',
  )
const [file = ''] = blocks('json')
const [start = '', ask = ''] = blocks('sh')
const [copy = '', begin = ''] = start.trim().split('\n')
const path = /Save it as `(.+?)`/.exec(readme)?.[1] ?? ''

// Processes that start take long on a busy machine.
describe('the README on adding a model, done as it stands', { timeout: 60_000 }, () => {
  let folder: string
  let port: number
  let demo: ReturnType<typeof spawn>
  let output = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-adding-'))
    for (const name of ['package.json', 'node_modules', 'src', 'providers', 'test']) {
      await symlink(join(root, name), join(folder, name))
    }
    await mkdir(join(folder, 'models'))
    await writeFile(join(folder, path), file)
    await run('bash', ['-c', copy], { cwd: folder })
    port = await freePort()
    const env = { ...process.env, PORT: String(port), LOG_LEVEL: 'info' }
    demo = spawn('bash', ['-c', begin], { cwd: folder, env, detached: true })
    for (const stream of [demo.stdout, demo.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    await vi.waitFor(() => expect(output).toContain('demo is running at'), { timeout: 50_000 })
  }, 60_000)
  afterAll(async () => {
    const ended = new Promise((resolve) => demo.once('exit', resolve))
    // npm, and the demo that it has started.
    if (demo.pid !== undefined) process.kill(-demo.pid, 'SIGTERM')
    await ended
    await rm(folder, { recursive: true })
  })

  it('is short: a file that fits on two screens, and three commands', () => {
    expect(file.trim().split('\n').length).toBeLessThanOrEqual(75)
    expect([copy, begin, ask.trim()].map((command) => command.split(' ')[0])).toEqual([
      'cp',
      'MODELS_DIR=models',
      'curl',
    ])
  })

  it('has a file that the schema beside it finds nothing wrong with', async () => {
    const { $schema } = JSON.parse(file) as { $schema: string }
    const schema = JSON.parse(await readFile(join(folder, 'models', $schema), 'utf8')) as object
    const ajv = new Ajv2020({ strict: false })
    expect([ajv.validate(schema, JSON.parse(file)), ajv.errors]).toEqual([true, null])
  })

  it('has a model that makes the picture that was asked for', async () => {
    const command = ask.replaceAll('http://127.0.0.1:8080', `http://127.0.0.1:${port}`)
    const asked = async () =>
      JSON.parse((await run('bash', ['-c', command], { cwd: folder })).stdout) as {
        data?: [{ url: string }]
        metadata: { model: string; provider: string }
      }
    let answer = await asked()
    // The demo's providers fail as often as the real ones did, now and then all of them.
    for (let again = 0; again < 3 && !answer.data; again += 1) answer = await asked()
    expect(answer.metadata.model).toBe('house-flux')
    expect(['fal', 'replicate']).toContain(answer.metadata.provider)
    const picture = await (await fetch(answer.data?.[0].url ?? '')).arrayBuffer()
    const { width = 0, height = 1 } = await sharp(picture).metadata()
    expect(width / height).toBeCloseTo(4 / 3, 1)
  })
})
