import type { FastifyInstance } from 'fastify'
import { type BusyCount, createBusyCount } from '#src/domain/busy-count.ts'

/**
 * Counts requests from the moment that their body has arrived to the last byte of their answer, or to the client's
 * leaving. A body that never comes holds nobody: nothing has been begun for it.
 */
export const registerInFlight = (app: FastifyInstance): BusyCount => {
  const busy = createBusyCount()
  app.addHook('preHandler', async (request, reply) => {
    const begin = (): void => {
      if (!reply.raw.closed) reply.raw.once('close', busy.enter(request.id))
    }
    // A form is read by its handler, later than other bodies.
    if (request.isMultipart() && !request.raw.readableEnded) request.raw.once('end', begin)
    else begin()
  })
  return busy
}
