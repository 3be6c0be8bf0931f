import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { IMAGE_ALLOCATOR } from '#test/helpers/image-allocator.ts'
import { benchOptions } from './bench-options.ts'
import { type Calls, createCalls, endProcess } from './child-calls.ts'
import type { ObserverHandlers } from './observe-process.ts'
import { OBSERVER } from './observer.ts'

/** A gateway as an operator runs it: in a process of its own, with its default log level. */
export interface GatewayProcess {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string
  readonly pid: number
  /** Where it keeps hosted images. */
  readonly mediaFolder: string
  /** From the start of the process to the line that says it listens, in ms. */
  readonly startedInMs: number
  readonly observe: Calls<ObserverHandlers>
  stop(): Promise<void>
}

/** What Node itself is to do: a profile is written when the process ends, a snapshot of the heap at SIGUSR2. */
const profileArguments = (): readonly string[] => {
  const { profileFolder } = benchOptions
  if (profileFolder === undefined) return []
  return [
    '--cpu-prof',
    `--cpu-prof-dir=${profileFolder}`,
    '--heapsnapshot-signal=SIGUSR2',
    `--diagnostic-dir=${profileFolder}`,
  ]
}

/**
 * Starts the gateway of `--gateway` with this environment and nothing else, on a port that the system chooses. Rejects
 * with its output when it ends. `isObserved`: `observe` may be called.
 */
export const startGatewayProcess = async (
  environment: Readonly<Record<string, string>>,
  { isObserved = true } = {},
): Promise<GatewayProcess> => {
  const folder = await mkdtemp(join(tmpdir(), 'fresnel-bench-'))
  const PATH = process.env['PATH'] ?? ''
  const mediaFolder = join(folder, 'media')
  const own = { PORT: '0', ADMIN_PORT: '0', MEDIA_DIR: mediaFolder }
  // As `npm start` and the image have it.
  const cache = join(benchOptions.gatewayFolder, 'node_modules/.cache/node')
  const fixed = { PATH, NODE_COMPILE_CACHE: cache, ...IMAGE_ALLOCATOR, ...own }
  const main = join(benchOptions.gatewayFolder, 'src/main.ts')
  const beganMs = performance.now()
  // In an empty folder, so that no `.env` is found.
  const child = spawn(
    process.execPath,
    [...(isObserved ? ['--import', OBSERVER] : []), ...profileArguments(), main],
    {
      cwd: folder,
      env: { ...fixed, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  if (benchOptions.profileFolder !== undefined) {
    process.stderr.write(`A gateway is profiled: process ${child.pid}\n`)
  }
  const url = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    // Read to the end, or the process would wait for its pipe.
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    const readLine = (line: string): void => {
      output += `${line}\n`
      const { msg, url: listening } = JSON.parse(line) as { msg?: string; url?: string }
      if (msg !== 'listening' || !listening) return
      lines.close()
      child.stdout?.resume()
      resolve(listening)
    }
    lines.on('line', readLine)
    child.once('exit', () => reject(new Error(`The gateway did not start:\n${output}`)))
  })
  return {
    url,
    pid: child.pid ?? 0,
    mediaFolder,
    startedInMs: performance.now() - beganMs,
    observe: createCalls<ObserverHandlers>(child),
    stop: async () => {
      await endProcess(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
