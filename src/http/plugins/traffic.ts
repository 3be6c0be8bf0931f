import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { receivedBytesOf } from './body-sizes.ts'

/** What the API consists of, by the begin of a route's path without `/openai`; `other`: nothing of it. */
const ROUTES = [
  ['/v1/images/generations', 'images_generations'],
  ['/v1/images/edits', 'images_edits'],
  ['/v1/models', 'models'],
  ['/v1/requests', 'requests'],
  ['/v1/balance', 'balance'],
  ['/v1/keys', 'keys'],
  ['/v1/media', 'media'],
  ['/docs', 'documents'],
  ['/openapi.json', 'documents'],
  ['/livez', 'health'],
  ['/readyz', 'health'],
  ['/metrics', 'metrics'],
] as const

export type RouteName = (typeof ROUTES)[number][1] | 'other'

/** A call whose answer has been written whole, or whose client has left. */
export interface AnsweredCall {
  readonly route: RouteName
  /** 499: the client left before. */
  readonly status: number
}

/** What the server is busy with, in bytes. */
export interface Traffic {
  /** Bodies of the calls in flight: those that came or are announced, and answers that are being sent. */
  bytes(): { readonly received: number; readonly sending: number }
}

const CLIENT_LEFT = 499

const createRouteNames = (): ((pattern: string | undefined) => RouteName) => {
  const known = new Map<string | undefined, RouteName>([[undefined, 'other']])
  return (pattern) => {
    const found = known.get(pattern)
    if (found) return found
    const path = pattern?.replace(/^\/openai(?=\/)/, '') ?? ''
    const name = ROUTES.find(([begin]) => path.startsWith(begin))?.[1] ?? 'other'
    known.set(pattern, name)
    return name
  }
}

const sendingBytesOf = (reply: FastifyReply): number =>
  reply.raw.headersSent ? Number(reply.getHeader('content-length') ?? 0) : 0

/** Tells of each call how it was answered, and knows those that are not answered yet. */
export const registerTraffic = (
  app: FastifyInstance,
  onAnswered: (call: AnsweredCall) => void = () => undefined,
): Traffic => {
  const calls = new Set<{ readonly request: FastifyRequest; readonly reply: FastifyReply }>()
  const routeNameOf = createRouteNames()
  app.addHook('onRequest', async (request, reply) => {
    const call = { request, reply }
    calls.add(call)
    const route = routeNameOf(request.is404 ? undefined : request.routeOptions.url)
    reply.raw.once('close', () => {
      calls.delete(call)
      const { writableFinished, statusCode } = reply.raw
      onAnswered({ route, status: writableFinished ? statusCode : CLIENT_LEFT })
    })
  })
  return {
    bytes: () => {
      let [received, sending] = [0, 0]
      for (const { request, reply } of calls) {
        received += receivedBytesOf(request) ?? 0
        sending += sendingBytesOf(reply)
      }
      return { received, sending }
    },
  }
}
