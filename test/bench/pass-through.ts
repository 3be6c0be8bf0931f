import { Agent, createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveCalls } from './child-calls.ts'

/*
 * The least that a proxy in Node can do: node:http piped into node:http. It reads nothing and checks nothing.
 */

const upstreamPort = Number(process.env.UPSTREAM_PORT)
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

const server = createServer((request, response) => {
  const { method, url, headers } = request
  const sent = sendRequest(
    { host: '127.0.0.1', port: upstreamPort, method, path: url, headers, agent },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
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
