import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { GatewayEnvironmentSchema } from '#src/environment.ts'
import { EMULATOR_KEYS } from '#test/emulators/emulator.ts'

const root = new URL('..', import.meta.url).pathname
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const hasRedis = (() => {
  try {
    execFileSync('redis-server', ['--version'])
    return true
  } catch {
    return false
  }
})()

/** `NAME: value` lines of one service's environment in the compose file. */
const environmentOf = (service: string): Record<string, string> => {
  const [, body = ''] = read('docker-compose.yml').split(new RegExp(`^  ${service}:$`, 'm'))
  const [, block = ''] = /environment:\n((?: {6}\w+: .*\n)+)/.exec(body) ?? []
  return Object.fromEntries(
    [...block.matchAll(/^ {6}(\w+): (.*)$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']),
  )
}

describe('the container files', () => {
  it('copy only what exists', () => {
    const sources = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      (match) => (match[1] ?? '').split(' '),
    )
    expect(sources.length).toBeGreaterThan(4)
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true)
      expect(read('.dockerignore'), source).toContain(`!${source}`)
    }
  })

  it('run the Node that the project is developed with', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as {
      devDependencies: { node: string }
    }
    const major = /\d+/.exec(devDependencies.node)?.[0]
    expect(read('Dockerfile')).toContain(`FROM node:${major}-`)
  })

  it('set only variables that there are', () => {
    const known = [
      GatewayEnvironmentSchema,
      ...providerModules.map((module) => module.configSchema),
    ].flatMap((schema) => Object.keys(schema.properties))
    const example = [...read('.env.example').matchAll(/^(\w+)=/gm)].map((match) => match[1])
    for (const name of [
      ...Object.keys(environmentOf('gateway')),
      ...Object.keys(environmentOf('demo')),
      ...example,
    ]) {
      expect(known).toContain(name)
    }
  })

  it('give the demo a configuration that works, with the keys that the emulators accept', () => {
    const environment = environmentOf('demo')
    const config = readConfig({ ...environment, HOST: '0.0.0.0' }, providerModules)
    expect([...config.providers.keys()]).toEqual(['gemini', 'vertex', 'fal', 'replicate'])
    expect(Object.values(environment)).toEqual(expect.arrayContaining(Object.values(EMULATOR_KEYS)))
  })
})

/** Resolves with the server's output once it is ready or has ended. */
const untilReady = (server: ChildProcess) =>
  new Promise<string>((resolve) => {
    let output = ''
    server.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('ready to accept connections')) resolve(output)
    })
    server.once('exit', () => resolve(output))
  })

describe.skipIf(!hasRedis)('docker/redis.conf (skipped where there is no redis-server)', () => {
  it('is accepted by redis-server', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fresnel-redis-'))
    const file = join(folder, 'redis.conf')
    await writeFile(file, read('docker/redis.conf'))
    const socket = join(folder, 'redis.sock')
    const server = spawn('redis-server', [
      file,
      '--dir',
      folder,
      '--port',
      '0',
      '--unixsocket',
      socket,
    ])
    const exited = new Promise((resolve) => server.once('exit', resolve))
    const output = await untilReady(server)
    server.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true })
    expect(output).toContain('ready to accept connections')
  })
})
