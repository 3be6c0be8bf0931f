import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ImageServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** Every request so far, in order. */
  readonly requests: readonly IncomingMessage[]
  /** How many connections were opened so far. */
  connectionCount(): number
  close(): Promise<void>
}

/** A real file host on the loopback interface, which answers as the test says. */
export const startImageServer = async (
  answer: (request: IncomingMessage, response: ServerResponse, index: number) => void,
): Promise<ImageServer> => {
  const requests: IncomingMessage[] = []
  let connections = 0
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response, requests.length - 1)
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    connectionCount: () => connections,
    close,
  }
}
