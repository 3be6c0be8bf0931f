import type { FastifyInstance } from 'fastify'

/**
 * Tells clients that ask before they send a body (curl does for larger ones) to go on only once the request has been let
 * in. Node would tell them so at once, and they would upload what is refused.
 */
export const registerExpectContinue = (app: FastifyInstance): void => {
  app.server.on('checkContinue', (request, response) => {
    app.server.emit('request', request, response)
  })
  app.addHook('preParsing', async (request, { raw }, payload) => {
    if (/^100-continue$/i.test(request.headers.expect ?? '')) raw.writeContinue()
    return payload
  })
}
