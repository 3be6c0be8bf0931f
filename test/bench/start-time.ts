import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { benchOptions } from './bench-options.ts'
import type { Benchmark } from './benchmark.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { median } from './measure.ts'
import { readCpuMs } from './process-stats.ts'
import { upstreamEnvironment } from './sides.ts'
import { describeValues } from './turns.ts'
import { undisturbed } from './undisturbed.ts'

/** Takes connections and never says a word, as a Redis behind a firewall that swallows everything. */
const startSilentServer = async (): Promise<{ port: number; close(): void }> => {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A port of the machine that nobody listens on: TCP port 1 is long out of use (RFC 1078). */
const CLOSED_PORT = 1

/** Until it listened, in ms: by the clock, and of processor time, which does not wait for other programs. */
interface Start {
  readonly tookMs: number
  readonly cpuMs: number
}

/** As an operator starts it: nothing is loaded besides. */
const timeStart = async (environment: Readonly<Record<string, string>>): Promise<Start> => {
  const gateway = await startGatewayProcess(environment, { isObserved: false })
  const cpuMs = await readCpuMs(gateway.pid)
  await gateway.stop()
  return { tookMs: gateway.startedInMs, cpuMs }
}

export const startTime: Benchmark = {
  name: 'start',
  description:
    'From the start of the process to the line that says that it listens, with four variables set: without Redis, with one whose port is closed, and with one that takes the connection and never answers.',
  run: async () => {
    const silent = await startSilentServer()
    const usual = upstreamEnvironment(CLOSED_PORT)
    const redisAt = (port: number) => ({ ...usual, REDIS_URL: `redis://127.0.0.1:${port}` })
    const cases = [
      { name: 'without Redis', environment: usual, atMost: 700 },
      { name: 'Redis refuses', environment: redisAt(CLOSED_PORT), atMost: 3_000 },
      { name: 'Redis is silent', environment: redisAt(silent.port), atMost: 3_000 },
    ]
    const starts: Start[][] = cases.map(() => [])
    try {
      for (let round = 0; round < benchOptions.rounds; round += 1) {
        for (const [place, { environment }] of cases.entries()) {
          starts[place]?.push(await undisturbed(() => timeStart(environment)))
        }
      }
    } finally {
      silent.close()
    }
    const of = (place: number, figure: keyof Start): readonly number[] =>
      (starts[place] as Start[]).map((start) => start[figure])
    return {
      tables: [
        {
          title: 'Start to listening: median (least–most)',
          columns: ['', 'ms', 'CPU ms'],
          rows: cases.map(({ name }, place) => [
            name,
            describeValues(of(place, 'tookMs')),
            describeValues(of(place, 'cpuMs')),
          ]),
        },
      ],
      goals: cases.map(({ name, atMost }, place) => ({
        name: `start, ${name}`,
        value: median(of(place, 'tookMs')),
        atMost,
        unit: 'ms',
      })),
    }
  },
}
