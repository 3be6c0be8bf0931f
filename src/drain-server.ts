import { Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from './app.ts'
import type { Readiness } from './http/routes/health.ts'

/**
 * Takes no new connections. Resolves when none is left, or after that time. Node's own `close` of HTTP servers ends idle
 * connections at once.
 */
const stopListening = async (server: Server, limitMs: number): Promise<void> => {
  const limit = new AbortController()
  const closed = new Promise<void>((resolve) => {
    Server.prototype.close.call(server, () => resolve())
  })
  const tooLate = sleep(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)
  await Promise.race([closed, tooLate])
  limit.abort()
}

/**
 * Takes no new connections and waits for the requests in flight. Who keeps a connection may have sent a request on it
 * that has not arrived, and would never learn whether it was begun: such requests are taken for `lastCallMs`, and idle
 * connections ended then. A connection that never sent a request counts as busy to Node and would hold the shutdown, so
 * the rest are ended once the last answer is out.
 */
export const drainServer = async (
  { server, inFlight }: App,
  readiness: Readiness,
  lastCallMs: number,
): Promise<void> => {
  readiness.isReady = false
  if (lastCallMs > 0) await stopListening(server.server, lastCallMs)
  readiness.takesRequests = false
  const closed = server.close()
  await inFlight.untilNone()
  server.server.closeAllConnections()
  await closed
}
