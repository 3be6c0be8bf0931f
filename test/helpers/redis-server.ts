import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** Whether this machine has the program. */
export const hasRedisServer = (() => {
  try {
    execFileSync('redis-server', ['--version'])
    return true
  } catch {
    return false
  }
})()

/** For the title of tests that need the program: says why they do not run where it is missing. */
export const redisReason = hasRedisServer ? '' : ' (not run: redis-server is not installed)'

/** A Redis of its own, without any memory of before. */
export interface TestRedis {
  readonly port: number
  readonly url: string
  /** For looking into it. */
  readonly client: Redis
  /** Ends it at once, with all that it holds. */
  kill(): Promise<void>
  /** Begins it again, empty, on the same port. */
  restart(): Promise<void>
  /** Stops its process in its tracks: connections stay, nothing answers. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** A port that nobody listens on. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Servers that run, ended at the latest with this process. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const server of running) server.kill('SIGKILL')
})

const READY = /Ready to accept connections|\+monitor master/

/** Resolves once the server says that it is ready; rejects with its output when it ends before. */
const untilReady = (server: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    running.add(server)
    let output = ''
    server.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (READY.test(output)) resolve()
    })
    server.once('exit', () => {
      running.delete(server)
      reject(new Error(`redis-server ended:\n${output}`))
    })
  })

const end = async (server: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  // A frozen process would not notice.
  server.kill('SIGCONT')
  server.kill(signal)
  await ended
}

/** Starts `redis-server` with further arguments. */
export const startRedis = async (...extra: readonly string[]): Promise<TestRedis> => {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'redis-'))]
  const limits = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1']
  const run = async (): Promise<ChildProcess> => {
    const server = spawn(
      'redis-server',
      ['--port', String(port), '--dir', folder, ...limits, ...extra],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await untilReady(server)
    return server
  }
  let server = await run()
  const client = new Redis({
    port,
    host: '127.0.0.1',
    retryStrategy: () => 20,
  })
  client.on('error', () => undefined)
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    client,
    kill: () => end(server, 'SIGKILL'),
    restart: async () => {
      await end(server, 'SIGKILL')
      server = await run()
    },
    freeze: () => {
      server.kill('SIGSTOP')
    },
    thaw: () => {
      server.kill('SIGCONT')
    },
    stop: async () => {
      client.disconnect()
      await end(server, 'SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A cluster of one node that holds everything. */
export const startRedisCluster = async (): Promise<TestRedis> => {
  const busPort = String(await freePort())
  const redis = await startRedis(
    ...['--cluster-enabled', 'yes', '--cluster-port', busPort],
    // A node alone does not know under which address others reach it.
    ...['--cluster-announce-ip', '127.0.0.1'],
  )
  await redis.client.cluster('ADDSLOTSRANGE', 0, 16_383)
  for (let info = ''; !info.includes('cluster_state:ok'); )
    info = await redis.client.cluster('INFO')
  return redis
}

/** A sentinel that watches one master under the name `mymaster`. */
export const startSentinel = async (
  master: TestRedis,
): Promise<{ readonly port: number; stop(): Promise<void> }> => {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'sentinel-'))]
  const file = join(folder, 'sentinel.conf')
  await writeFile(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor mymaster 127.0.0.1 ${master.port} 1\n`,
  )
  const sentinel = spawn('redis-server', [file, '--sentinel'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilReady(sentinel)
  return {
    port,
    stop: async () => {
      await end(sentinel, 'SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
