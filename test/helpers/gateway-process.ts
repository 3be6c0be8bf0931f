import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, vi } from 'vitest'

const main = new URL('../../src/main.ts', import.meta.url).pathname

/** The gateway as a process of its own, in an empty folder, with nothing but this environment. */
export class GatewayProcess {
  readonly child: ChildProcess
  output = ''
  readonly exit: Promise<number | null>

  constructor(cwd: string, environment: Record<string, string>) {
    const env = {
      PATH: process.env['PATH'] ?? '',
      MEDIA_DIR: join(cwd, 'media'),
      ADMIN_PORT: '0',
      ...environment,
    }
    this.child = spawn(process.execPath, [main], { cwd, env })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
    }
    this.exit = new Promise((resolve) => this.child.once('exit', (code) => resolve(code)))
  }

  /** Resolves once it listens; on a busy machine several that start at once take long. */
  listening() {
    return vi.waitFor(() => expect(this.output).toContain('"msg":"listening"'), {
      timeout: 30_000,
    })
  }
}
