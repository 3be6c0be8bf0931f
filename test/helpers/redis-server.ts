import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster, Redis } from 'ioredis'

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

const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

/** Starts one that has what this master has. */
export const startReplica = async (master: TestRedis): Promise<TestRedis> => {
  const redis = await startRedis('--replicaof', '127.0.0.1', String(master.port))
  while (!(await redis.client.info('replication')).includes('master_link_status:up')) await pause()
  return redis
}

/** Nodes of a cluster elect a new master when one was silent for so long, in ms. */
const NODE_TIMEOUT_MS = 1_000

const startClusterNode = async () => {
  const busPort = await freePort()
  const redis = await startRedis(
    ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort)],
    ...['--cluster-announce-ip', '127.0.0.1', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
    // A replica that was only just made one may take over.
    ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
  )
  return { ...redis, busPort }
}

/** A cluster of several masters with a replica each. */
export interface TestRedisCluster {
  readonly url: string
  /** In the order of their slots. */
  readonly masters: readonly TestRedis[]
  /** The master that a name lies at, as long as none was replaced. */
  masterOf(name: string): Promise<TestRedis>
  /** Asks whoever holds the name now. */
  readonly client: Cluster
  stop(): Promise<void>
}

const SLOTS = 16_384

/** Resolves once the node says so. */
const untilInfo = async ({ client }: TestRedis, ...parts: readonly string[]): Promise<void> => {
  for (;;) {
    const info = await client.cluster('INFO')
    if (parts.every((part) => info.includes(part))) return
    await pause()
  }
}

/** Starts a cluster whose slots are spread over so many masters. */
export const startRedisClusterOf = async (count: number): Promise<TestRedisCluster> => {
  const nodes = await Promise.all(Array.from({ length: 2 * count }, startClusterNode))
  const [masters, replicas] = [nodes.slice(0, count), nodes.slice(count)]
  const first = (index: number): number => Math.floor((index * SLOTS) / count)
  for (const [index, { client }] of masters.entries()) {
    await client.cluster('ADDSLOTSRANGE', first(index), first(index + 1) - 1)
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
  }
  const [one, ...others] = nodes
  for (const { port, busPort } of others) {
    await one?.client.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort)
  }
  const all = [`cluster_known_nodes:${nodes.length}`, 'cluster_state:ok']
  await Promise.all(nodes.map((node) => untilInfo(node, ...all)))
  for (const [index, { client }] of replicas.entries()) {
    const master = await masters[index]?.client.call('CLUSTER', 'MYID')
    await client.call('CLUSTER', 'REPLICATE', String(master))
  }
  for (const { client } of replicas) {
    while (!(await client.info('replication')).includes('master_link_status:up')) {
      await pause()
    }
  }
  const client = new Cluster(
    nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
    { slotsRefreshInterval: 500, redisOptions: { commandTimeout: 500, socketTimeout: 1_000 } },
  )
  client.on('error', () => undefined)
  return {
    url: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masters,
    masterOf: async (name) => {
      const slot = Number(await client.cluster('KEYSLOT', name))
      const index = masters.findIndex((_, index) => slot < first(index + 1))
      return masters[index] as TestRedis
    },
    client,
    stop: async () => {
      client.disconnect()
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

/** A sentinel that watches one master under the name `mymaster`. */
export interface TestSentinel {
  readonly port: number
  /** Port of the present master. */
  masterPort(): Promise<number>
  /** Makes the replica the master. */
  failOver(): Promise<void>
  stop(): Promise<void>
}

/** `downAfterMs`: how long a master may be silent before its replica takes its place. */
export const startSentinel = async (
  master: TestRedis,
  downAfterMs = 30_000,
): Promise<TestSentinel> => {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'sentinel-'))]
  const file = join(folder, 'sentinel.conf')
  await writeFile(
    file,
    [
      `port ${port}\nbind 127.0.0.1\ndir ${folder}`,
      `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds mymaster ${downAfterMs}\n`,
    ].join('\n'),
  )
  const sentinel = spawn('redis-server', [file, '--sentinel'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilReady(sentinel)
  const client = new Redis({ port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  return {
    port,
    masterPort: async () => {
      const address = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')
      return Number((address as string[])[1])
    },
    failOver: async () => {
      await client.call('SENTINEL', 'FAILOVER', 'mymaster')
    },
    stop: async () => {
      client.disconnect()
      await end(sentinel, 'SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
