import { expect } from 'vitest'
import type { LiveGateway } from './live-gateway.ts'

/** A budget that no test spends, in USD. */
export const BUDGET_USD = 1_000

/** A request whose client had its answer. */
export interface Told {
  readonly id: string
  /** Number of the gateway that was asked. */
  readonly gateway: number
  /** When the answer was there, by `performance.now()`. */
  readonly atMs: number
  readonly url: string
  readonly costUsd: number
  /** Absent: it had none. */
  readonly idempotencyKey?: string
}

/** Things that are looked for at a time. */
const AT_ONCE = 8

/** What clients were told before something broke. */
export interface Acknowledged {
  readonly done: Told[]
  /** Ids of requests that were answered with 202. */
  readonly accepted: string[]
  /** Answers that were neither 200 nor 202, as text. */
  readonly refused: string[]
  /** Calls that broke off without an answer. */
  broken: number
}

/** Clients at work. */
export interface Load {
  readonly told: Acknowledged
  /** Has the clients stop after what they have under way; resolves when all have. */
  stop(): Promise<void>
}

interface Client {
  readonly gateway: LiveGateway
  readonly number: number
  readonly key: string
  readonly part: object
  readonly headers: Record<string, string>
}

/** Every third request has an idempotency key, every fifth is to be answered later. */
const headersOf = (client: number, round: number): Record<string, string> => {
  if (round % 5 === 4) return { prefer: 'respond-async' }
  return round % 3 === 0 ? { 'idempotency-key': `${client}-${round}` } : {}
}

const callOnce = async ({ gateway, number, key, part, headers }: Client, told: Acknowledged) => {
  const authorization = { authorization: `Bearer ${key}` }
  const { status, body } = await gateway.ask(part, { ...authorization, ...headers })
  if (status === 202) told.accepted.push(body.id)
  else if (status !== 200) told.refused.push(`${status} ${body.error?.message}`)
  else {
    const { 'idempotency-key': idempotencyKey } = headers
    told.done.push({
      id: body.id,
      gateway: number,
      atMs: performance.now(),
      url: body.data[0].url,
      costUsd: body.metadata.cost,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    })
  }
}

/** Clients that ask again as soon as they are answered, at the gateways in turn, until they are stopped. */
export const startLoad = (
  gateways: readonly LiveGateway[],
  key: string,
  { clients = 8, part = {} }: { readonly clients?: number; readonly part?: object } = {},
): Load => {
  const told: Acknowledged = { done: [], accepted: [], refused: [], broken: 0 }
  let isStopped = false
  const run = async (client: number): Promise<void> => {
    const number = client % gateways.length
    const gateway = gateways[number]
    for (let round = 0; gateway && !isStopped; round += 1) {
      try {
        await callOnce({ gateway, number, key, part, headers: headersOf(client, round) }, told)
      } catch {
        told.broken += 1
        return
      }
    }
  }
  const running = Array.from({ length: clients }, (_, client) => run(client))
  return {
    told,
    stop: async () => {
      isStopped = true
      await Promise.all(running)
    },
  }
}

/** A new key with a budget; resolves to its secret. */
export const createBudgetedKey = async (
  gateway: LiveGateway,
  adminKey: string,
  terms: object = {},
): Promise<{ readonly id: string; readonly key: string }> => {
  const budget = { usd: BUDGET_USD, period: 'total' }
  const { status, body } = await gateway.call(
    'POST',
    '/v1/keys',
    { budget, ...terms },
    { authorization: `Bearer ${adminKey}` },
  )
  expect(status).toBe(201)
  return body
}

/** What of it the gateway still knows of the requests that clients were told of. */
export interface Findings {
  /** Images that do not open any more. */
  readonly lostImages: readonly Told[]
  /** Requests that the log does not know, or not as they ended. */
  readonly lostEntries: readonly Told[]
  /** Idempotency keys under which the first answer is not given again. */
  readonly lostRepeats: readonly Told[]
}

/** USD that the key's budget says were spent, less what the answers cost. */
export const overspentUsd = async (
  gateway: LiveGateway,
  key: string,
  { done }: Pick<Acknowledged, 'done'>,
): Promise<number> => {
  const authorization = { authorization: `Bearer ${key}` }
  const { body } = await gateway.call('GET', '/v1/balance', undefined, authorization)
  const toldUsd = done.reduce((sum, { costUsd }) => sum + costUsd, 0)
  return Math.round((BUDGET_USD - body.available.amount - toldUsd) * 1e6) / 1e6
}

const isWholePng = (bytes: Buffer): boolean =>
  bytes.subarray(1, 4).toString() === 'PNG' && bytes.subarray(-8, -4).toString() === 'IEND'

/** Compares what clients were told with what there is. */
export const findLosses = async (
  gateway: LiveGateway,
  key: string,
  done: readonly Told[],
  part: object = {},
): Promise<Findings> => {
  const authorization = { authorization: `Bearer ${key}` }
  const opens = async ({ url }: Told): Promise<boolean> => {
    const answer = await fetch(url)
    return answer.status === 200 && isWholePng(Buffer.from(await answer.arrayBuffer()))
  }
  const isLogged = async ({ id, costUsd }: Told): Promise<boolean> => {
    const path = `/v1/requests/${id}`
    const { body } = await gateway.call('GET', path, undefined, authorization)
    return body.status === 'completed' && body.cost === costUsd
  }
  const isRepeated = async ({ id, idempotencyKey = '' }: Told): Promise<boolean> => {
    const headers = { ...authorization, 'idempotency-key': idempotencyKey }
    const { status, body } = await gateway.ask(part, headers)
    return status === 200 && body.id === id
  }
  const without = async (all: readonly Told[], has: (one: Told) => Promise<boolean>) => {
    const lost: Told[] = []
    for (let begin = 0; begin < all.length; begin += AT_ONCE) {
      const some = all.slice(begin, begin + AT_ONCE)
      const found = await Promise.all(some.map(has))
      lost.push(...some.filter((_, index) => !found[index]))
    }
    return lost
  }
  return {
    lostImages: await without(done, opens),
    lostEntries: await without(done, isLogged),
    lostRepeats: await without(
      done.filter(({ idempotencyKey }) => idempotencyKey !== undefined),
      isRepeated,
    ),
  }
}
