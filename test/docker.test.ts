import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { GatewayEnvironmentSchema } from '#src/environment.ts'
import { shutdownLimitMs } from '#src/shutdown-limit.ts'
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

interface Service {
  readonly image?: string
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly deploy?: { readonly replicas: number }
  readonly networks?: { readonly default: { readonly aliases: readonly string[] } }
  readonly user?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly stop_signal?: string
  readonly stop_grace_period?: string
  readonly mem_limit?: string
  readonly depends_on?: object
}

const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
}

const secondsOf = (duration = '') => Number(/^(\d+)s$/.exec(duration)?.[1])

/** Of `1536m`, or of a variable's default. */
const megabytesOf = (size = ''): number => {
  const [, amount, unit] = /(\d+)([mg])\}?$/.exec(size) ?? []
  return Number(amount) * (unit === 'g' ? 1024 : 1)
}

describe('the compose file', () => {
  it('bounds the memory of every container', () => {
    for (const [name, { mem_limit }] of Object.entries(services)) {
      expect(megabytesOf(mem_limit), name).toBeGreaterThanOrEqual(256)
    }
    const [, maxmemory] = /^maxmemory (\d+)mb$/m.exec(read('docker/redis.conf')) ?? []
    expect(megabytesOf(services['redis']?.mem_limit)).toBe(2 * Number(maxmemory))
  })

  it('waits for what was begun, longer than the gateway itself does', () => {
    const config = readConfig({ FAL_KEY: 'a:b' }, providerModules)
    for (const name of ['gateway', 'more-gateways', 'nginx']) {
      const graceMs = secondsOf(services[name]?.stop_grace_period) * 1000
      expect(graceMs, name).toBeGreaterThan(shutdownLimitMs(config))
    }
  })

  it('starts one gateway and its Redis where no profile is named', () => {
    const plain = Object.entries(services).filter(([, { profiles }]) => !profiles)
    expect(plain.map(([name]) => name)).toEqual(['gateway', 'redis'])
    expect(services['gateway']?.ports).toEqual([`\${PUBLISH:-127.0.0.1:8080}:8080`])
  })
})

describe('the compose profile scale', () => {
  it('adds two gateways that differ from the first in nothing but their port', () => {
    const { ports, deploy, networks, profiles, depends_on, ...more } =
      services['more-gateways'] ?? {}
    expect({ ports, deploy, networks, profiles }).toEqual({
      ports: [],
      deploy: { replicas: 2 },
      networks: { default: { aliases: ['gateway'] } },
      profiles: ['scale'],
    })
    const { ports: _, depends_on: __, ...first } = services['gateway'] ?? {}
    expect(more).toEqual(first)
    expect(first.volumes).toEqual(['media:/data'])
  })

  it('puts an nginx without rights in front of all that are called so', () => {
    const { nginx } = services
    expect(nginx).toMatchObject({
      profiles: ['scale'],
      user: 'nginx',
      read_only: true,
      cap_drop: ['ALL'],
      // Its word for ending after what was begun.
      stop_signal: 'SIGQUIT',
      volumes: ['./docker/nginx/nginx.conf:/etc/nginx/fresnel.conf:ro'],
    })
    expect(read('docker/nginx/nginx.conf')).toContain('server gateway:8080 resolve ')
    expect(nginx?.ports?.join()).toMatch(/127\.0\.0\.1:8088\}:8080$/)
  })
})

describe('the image', () => {
  it('installs what it preloads', () => {
    expect(read('Dockerfile')).toMatch(/LD_PRELOAD=libjemalloc\.so\.2/)
    expect(read('Dockerfile')).toMatch(/install .* libjemalloc2 /)
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
