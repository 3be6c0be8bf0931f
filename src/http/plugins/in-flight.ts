import type { FastifyInstance } from 'fastify'

/** Knows the requests that are being served. */
export interface InFlight {
  readonly count: number
  /** Resolves as soon as none is. */
  untilNone(): Promise<void>
}

/** Counts requests from their first byte to the last of their answer, or to the client's leaving. */
export const registerInFlight = (app: FastifyInstance): InFlight => {
  let count = 0
  let waiting: (() => void)[] = []
  app.addHook('onRequest', async (_request, reply) => {
    count += 1
    reply.raw.once('close', () => {
      count -= 1
      if (count > 0) return
      for (const resolve of waiting) resolve()
      waiting = []
    })
  })
  return {
    get count() {
      return count
    },
    untilNone: () =>
      count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  }
}
