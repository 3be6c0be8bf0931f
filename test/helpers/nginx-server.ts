import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freePort } from './redis-server.ts'

/** Whether this machine has the program. */
export const hasNginx = (() => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** For the title of tests that need the program: says why they do not run where it is missing. */
export const nginxReason = hasNginx ? '' : ' (not run: nginx is not installed)'

/** One line of the access log. */
export interface AccessLine {
  readonly request_id: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** Addresses that were tried, separated by commas. */
  readonly gateway: string
  readonly gateway_status: string
}

/** The nginx of the compose file, in front of gateways on this machine. */
export interface TestNginx {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string
  readonly port: number
  lines(): Promise<readonly AccessLine[]>
  /** Everything that it wrote. */
  output(): Promise<string>
  /** Lets it finish what it has begun, as `docker compose stop` does; resolves to its exit code. */
  quit(): Promise<number | null>
  stop(): Promise<void>
}

const configuration = new URL('../../docker/nginx/nginx.conf', import.meta.url)

/** The configuration as it is, but for the port and the names of compose's network. */
const configurationFor = (port: number, gatewayPorts: readonly number[]): string => {
  let text = readFileSync(configuration, 'utf8')
  const replace = (pattern: RegExp, by: (rest: string) => string): void => {
    expect(text.match(new RegExp(pattern, 'g'))).toHaveLength(1)
    text = text.replace(pattern, (_, rest: string) => by(rest))
  }
  replace(/listen 8080( .*;)/, (rest) => `listen 127.0.0.1:${port}${rest}`)
  replace(/server gateway:8080 resolve( .*;)/, (rest) =>
    gatewayPorts.map((gateway) => `server 127.0.0.1:${gateway}${rest}`).join('\n'),
  )
  return text
}

/** Nobody: the container's nginx is not root either. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Starts it, without rights, in front of gateways on these ports. */
export const startNginx = async (gatewayPorts: readonly number[]): Promise<TestNginx> => {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'nginx-'))]
  const [file, log] = [join(folder, 'nginx.conf'), join(folder, 'log')]
  await writeFile(file, configurationFor(port, gatewayPorts))
  await writeFile(log, '')
  await chmod(folder, 0o700)
  const { uid, gid } = UNPRIVILEGED
  if (uid !== undefined) for (const path of [folder, log]) await chown(path, uid, gid ?? uid)
  // A pipe of ours could not be opened as /dev/stdout.
  const output = openSync(log, 'a')
  const nginx = spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', file, '-g', 'daemon off;'], {
    stdio: ['ignore', output, output],
    ...UNPRIVILEGED,
  })
  closeSync(output)
  const exit = once(nginx, 'exit').then(([code]) => code as number | null)
  const url = `http://127.0.0.1:${port}`
  const readLog = () => readFile(log, 'utf8')
  await vi.waitFor(
    async () => {
      expect(nginx.exitCode, await readLog()).toBeNull()
      await fetch(`${url}/livez`)
    },
    { timeout: 10_000 },
  )
  const end = (signal: NodeJS.Signals) => {
    if (nginx.exitCode === null) nginx.kill(signal)
    return exit
  }
  return {
    url,
    port,
    output: readLog,
    lines: async () =>
      (await readLog())
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as AccessLine),
    quit: () => end('SIGQUIT'),
    stop: async () => {
      await end('SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
