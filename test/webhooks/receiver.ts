import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

/** A webhook as it came. */
export interface ReceivedWebhook {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly port: number
  /** Every webhook so far, in order. */
  readonly received: readonly ReceivedWebhook[]
  /** How many connections were opened so far. */
  connectionCount(): number
  close(): Promise<void>
}

/** A real receiver on the loopback interface, which answers as the test says. */
export const startReceiver = async (
  answer: (response: ServerResponse, index: number) => void,
): Promise<Receiver> => {
  const received: ReceivedWebhook[] = []
  let connections = 0
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request
    received.push({ method, url, headers, body: await text(request) })
    answer(response, received.length - 1)
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    received,
    connectionCount: () => connections,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Answers with these statuses in turn, the last one for ever. */
export const answerWith =
  (...statuses: readonly number[]) =>
  (response: ServerResponse, index: number): void => {
    response.writeHead(statuses[index] ?? statuses.at(-1) ?? 200).end('thanks')
  }

/** What a receiver that trusts only the scheme's own library makes of it. Throws for a wrong signature. */
export const verifyWebhook = (webhook: ReceivedWebhook | undefined, secret: string): unknown => {
  if (!webhook) throw new Error('Nothing was received')
  return new Webhook(secret).verify(webhook.body, webhook.headers as Record<string, string>)
}
