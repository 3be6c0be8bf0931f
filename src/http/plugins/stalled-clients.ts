import type { FastifyInstance } from 'fastify'

/** How long a client may leave its answer unread, in ms. */
const STALLED_AFTER_MS = 60_000

/**
 * Cuts off clients that do not read: what is ready for them, and who waits for its end, would be held for as long as
 * they please. Found out after one to two times the limit. A client that reads slowly is let be, and so is one whose
 * answer is not there yet: nothing waits to be sent to it.
 */
export const registerStalledClients = (app: FastifyInstance, limitMs = STALLED_AFTER_MS): void => {
  app.addHook('onRequest', async (request, reply) => {
    const { socket } = request.raw
    // The socket's own timer sees the system take parts of a long piece, which no count of ours would.
    reply.raw.setTimeout(limitMs, () => {
      if (socket.writableLength === 0) {
        socket.setTimeout(limitMs)
        return
      }
      request.log.info({ requestId: request.id }, 'a client that stopped reading was cut off')
      socket.destroy()
    })
  })
}
