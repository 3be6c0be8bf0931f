import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IMAGE_ALLOCATOR } from '#test/helpers/image-allocator.ts'
import { TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import type { EmulatorMessage } from './soak-emulators.ts'

const pathOf = (file: string): string => new URL(file, import.meta.url).pathname

const end = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode !== null) return child.exitCode
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const [status] = (await ended) as [number | null]
  return status
}

const nextMessage = async (child: ChildProcess): Promise<EmulatorMessage> => {
  const [message] = (await once(child, 'message')) as [EmulatorMessage]
  return message
}

/** The emulated providers of the soak. */
export interface SoakedProviders {
  /** Of a gateway that is to use them. */
  readonly environment: Record<string, string>
  standing(): Promise<Extract<EmulatorMessage, { kind: 'standing' }>>
  stop(): Promise<unknown>
}

export const startSoakedProviders = async (timeScale: number): Promise<SoakedProviders> => {
  const child = fork(pathOf('./soak-emulators.ts'), [String(timeScale)])
  const first = await nextMessage(child)
  if (first.kind !== 'environment') throw new Error('the emulators did not start')
  return {
    environment: first.environment,
    standing: async () => {
      child.send('standing')
      const message = await nextMessage(child)
      if (message.kind !== 'standing') throw new Error('the emulators say something else')
      return message
    },
    stop: () => end(child),
  }
}

/** The gateway under test. */
export interface SoakedGateway {
  readonly url: string
  readonly adminUrl: string
  readonly mediaDir: string
  /** Has it collect its garbage. */
  collect(): void
  /** Lines of its log of level error and above. */
  errors(): readonly string[]
  /** Resolves to its status. */
  stop(): Promise<number | null>
}

/** Starts one with this environment; rejects with its output when it ends. */
export const startSoakedGateway = async (
  environment: Readonly<Record<string, string>>,
): Promise<SoakedGateway> => {
  const folder = await mkdtemp(join(tmpdir(), 'fresnel-soak-'))
  const mediaDir = join(folder, 'media')
  const child = spawn(process.execPath, [pathOf('../../src/main.ts')], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      NODE_OPTIONS: `--import=${pathOf('./collect-garbage.ts')}`,
      PORT: '0',
      MEDIA_DIR: mediaDir,
      GATEWAY_API_KEYS: TEST_KEY,
      ...IMAGE_ALLOCATOR,
      ...environment,
    },
  })
  const errors: string[] = []
  let [output, rest] = ['', '']
  const addresses: string[] = []
  const listening = new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`The gateway has ended:\n${output}`)))
    child.stderr.on('data', (piece: Buffer) => {
      output += piece.toString()
    })
    child.stdout.on('data', (piece: Buffer) => {
      const lines = (rest + piece.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const address = /Server listening at (http:[^"]+)/.exec(line)?.[1]
        if (address) addresses.push(address)
        if (line.includes('"msg":"listening"')) resolve()
        if (/"level":"(error|fatal)"/.test(line)) errors.push(line)
      }
    })
  })
  await listening
  const adminUrl = `http://127.0.0.1:${environment['ADMIN_PORT']}`
  const url = addresses.find((address) => address !== adminUrl) ?? ''
  return {
    url,
    adminUrl,
    mediaDir,
    collect: () => child.kill('SIGWINCH'),
    errors: () => errors,
    stop: async () => {
      const status = await end(child)
      await rm(folder, { recursive: true, force: true })
      return status
    },
  }
}
