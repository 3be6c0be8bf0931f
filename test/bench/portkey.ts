import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Calls, createCalls, endProcess } from './child-calls.ts'
import type { ObserverHandlers } from './observe-process.ts'
import { OBSERVER } from './observer.ts'

/** The newest release when the goals were set. */
const PORTKEY = '@portkey-ai/gateway@1.15.2'

/** Beside the project's own packages, and no dependency of it. */
const FOLDER = new URL('../../node_modules/.cache/bench-portkey', import.meta.url).pathname

const PROGRAM = join(FOLDER, 'node_modules/@portkey-ai/gateway/build/start-server.js')

const START_TRIES = 200
const START_PAUSE_MS = 50

export interface PortkeyProcess {
  readonly url: string
  readonly pid: number
  readonly observe: Calls<ObserverHandlers>
  stop(): Promise<void>
}

const install = async (): Promise<void> => {
  if (existsSync(PROGRAM)) return
  await mkdir(FOLDER, { recursive: true })
  const options = ['--prefix', FOLDER, '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', ['install', ...options, PORTKEY])
}

/** It takes a port and no other; one that is free now. */
const findFreePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

const untilAnswered = async (url: string): Promise<void> => {
  for (let tries = 0; tries < START_TRIES; tries += 1) {
    const isThere = await fetch(url).then(
      () => true,
      () => false,
    )
    if (isThere) return
    await pause(START_PAUSE_MS)
  }
  throw new Error('Portkey did not start.')
}

/** Installs it where that was not done, and starts it as for production. */
export const startPortkey = async (): Promise<PortkeyProcess> => {
  await install()
  const port = await findFreePort()
  const env = {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'production',
    // Else it calls no address that is not public.
    TRUSTED_CUSTOM_HOSTS: '127.0.0.1',
  }
  const child = spawn(
    process.execPath,
    ['--import', OBSERVER, PROGRAM, `--port=${port}`, '--headless'],
    { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
  )
  const url = `http://127.0.0.1:${port}`
  await untilAnswered(url)
  const observe = createCalls<ObserverHandlers>(child)
  return { url, pid: child.pid ?? 0, observe, stop: () => endProcess(child) }
}
