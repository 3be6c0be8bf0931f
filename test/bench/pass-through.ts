import { Agent, createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveCalls } from './child-calls.ts'

/*
 * The least that a proxy in Node can do: node:http piped into node:http. It reads nothing and checks nothing. With
 * `WHOLE_ANSWERS` it begins to answer when the upstream's answer is there: before, nobody else can be asked instead.
 */

const upstreamPort = Number(process.env.UPSTREAM_PORT)
const waitsForWhole = process.env.WHOLE_ANSWERS === '1'
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

const server = createServer((request, response) => {
  const { method, url, headers } = request
  const sent = sendRequest(
    { host: '127.0.0.1', port: upstreamPort, method, path: url, headers, agent },
    (answer) => {
      const begin = (): unknown => response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (waitsForWhole) {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          begin()
          for (const chunk of chunks) response.write(chunk)
          response.end()
        })
        return
      }
      begin()
      answer.pipe(response)
    },
  )
  sent.on('error', () => response.destroy())
  request.pipe(sent)
})
server.keepAliveTimeout = 600_000
server.requestTimeout = 0

const handlers = {
  start: (): Promise<number> =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', 4_096, () => resolve((server.address() as AddressInfo).port))
    }),
}

export type PassThroughHandlers = typeof handlers

serveCalls(handlers)
