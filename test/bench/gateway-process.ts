import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname

/** A gateway as an operator runs it: in a process of its own, with its default log level. */
export interface GatewayProcess {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts one with this environment and nothing else, on a port that the system chooses. Rejects with its output when it
 * ends.
 */
export const startGatewayProcess = async (
  environment: Readonly<Record<string, string>>,
): Promise<GatewayProcess> => {
  const folder = await mkdtemp(join(tmpdir(), 'fresnel-bench-'))
  const PATH = process.env['PATH'] ?? ''
  const fixed = { PATH, PORT: '0', ADMIN_PORT: '0', MEDIA_DIR: join(folder, 'media') }
  // In an empty folder, so that no `.env` is found.
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env: { ...fixed, ...environment } })
  const exited = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    // Read to the end, or the process would wait for its pipe.
    const lines = createInterface({ input: child.stdout })
    const readLine = (line: string): void => {
      output += `${line}\n`
      const { msg, url: listening } = JSON.parse(line) as { msg?: string; url?: string }
      if (msg !== 'listening' || !listening) return
      lines.off('line', readLine)
      resolve(listening)
    }
    lines.on('line', readLine)
    child.once('exit', () => reject(new Error(`The gateway did not start:\n${output}`)))
  })
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
