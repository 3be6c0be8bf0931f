import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { serveCalls } from './child-calls.ts'

/*
 * Sends requests, in a process of its own. Undici's pool takes the answers: it parses by llhttp and hands over pieces,
 * which are counted and dropped. (Autocannon parses in JavaScript, and would be the slowest part of it all at 1.5 MB.)
 */

/** One request that is sent again and again. */
export interface Target {
  /** Such as `http://127.0.0.1:41234`. */
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** File whose content is sent instead of `body`; absent: `body` is. */
  readonly bodyFile?: string
}

/** How many, and when. */
export type Rhythm =
  /** As many at a time, for as long; what is under way then is waited for. */
  | { readonly kind: 'in flight'; readonly inFlight: number; readonly forMs: number }
  /** As many at a time, until so many were sent. */
  | { readonly kind: 'count'; readonly inFlight: number; readonly count: number }
  /** So many each second whatever becomes of them, over so many connections. */
  | {
      readonly kind: 'rate'
      readonly perSecond: number
      readonly connections: number
      readonly forMs: number
    }

export interface LoadOrder {
  readonly target: Target
  readonly rhythm: Rhythm
}

export interface LoadResult {
  /** Of each answer, in ms from when it should have been asked for (not from when a connection was free) to its end. */
  readonly latenciesMs: readonly number[]
  /** From the first request to the last answer. */
  readonly tookMs: number
  readonly answerBytes: number
  /** Answers that were no 200, by status and the beginning of their text; empty: none. */
  readonly refused: Readonly<Record<string, number>>
}

/** An answer that is no 200. */
class Refusal extends Error {
  override readonly name = 'Refusal'
}

type Send = (plannedMs: number) => Promise<void>

/** Characters of a refusal that are told. */
const REFUSAL_TEXT = 200

/** Sends one and reads its answer to the end; its size in bytes. Rejects unless it is a 200. */
const ask = (pool: Pool, target: Target, body: string | Buffer): Promise<number> =>
  new Promise((resolve, reject) => {
    let status = 0
    let sizeBytes = 0
    let beginning = ''
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, statusCode) => {
        status = statusCode
      },
      onResponseData: (_controller, chunk) => {
        sizeBytes += chunk.length
        if (status !== 200) beginning += chunk.toString('latin1')
      },
      onResponseEnd: () => {
        if (status === 200) resolve(sizeBytes)
        else reject(new Refusal(`${status} ${beginning.slice(0, REFUSAL_TEXT)}`))
      },
      onResponseError: (_controller, error) => reject(error),
    }
    const { path, headers } = target
    pool.dispatch({ method: 'POST', path, headers, body }, handler)
  })

/** So many loops, each asking again as soon as it is answered. */
const sendInFlight = async (inFlight: number, send: Send, goesOn: () => boolean): Promise<void> => {
  const loop = async (): Promise<void> => {
    while (goesOn()) await send(performance.now())
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
}

const sendAtRate = async (perSecond: number, forMs: number, send: Send): Promise<void> => {
  const beganMs = performance.now()
  const count = Math.floor((forMs / 1_000) * perSecond)
  const sent: Promise<void>[] = []
  for (let index = 0; index < count; index += 1) {
    const plannedMs = beganMs + (index * 1_000) / perSecond
    const waitMs = plannedMs - performance.now()
    if (waitMs > 0) await pause(waitMs)
    sent.push(send(plannedMs))
  }
  await Promise.all(sent)
}

const keepRhythm = (rhythm: Rhythm, send: Send): Promise<void> => {
  if (rhythm.kind === 'rate') return sendAtRate(rhythm.perSecond, rhythm.forMs, send)
  if (rhythm.kind === 'in flight') {
    const untilMs = performance.now() + rhythm.forMs
    return sendInFlight(rhythm.inFlight, send, () => performance.now() < untilMs)
  }
  let left = rhythm.count
  const takeOne = (): boolean => {
    left -= 1
    return left >= 0
  }
  return sendInFlight(rhythm.inFlight, send, takeOne)
}

/** Kept between rounds, so that no round pays for connecting. */
const pools = new Map<string, Pool>()

const poolFor = (origin: string, connections: number): Pool => {
  const key = `${origin} ${connections}`
  const known = pools.get(key)
  if (known) return known
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    // Less than any side keeps an idle connection, so that none is lost while a request is sent.
    keepAliveTimeout: 2_000,
    keepAliveMaxTimeout: 2_000,
  })
  pools.set(key, pool)
  return pool
}

const runLoad = async ({ target, rhythm }: LoadOrder): Promise<LoadResult> => {
  const connections = rhythm.kind === 'rate' ? rhythm.connections : rhythm.inFlight
  const pool = poolFor(target.origin, connections)
  const body = target.bodyFile === undefined ? target.body : await readFile(target.bodyFile)
  const latenciesMs: number[] = []
  const refused: Record<string, number> = {}
  let answerBytes = 0
  const beganMs = performance.now()
  await keepRhythm(rhythm, async (plannedMs) => {
    try {
      const sizeBytes = await ask(pool, target, body)
      answerBytes += sizeBytes
      latenciesMs.push(performance.now() - plannedMs)
    } catch (error) {
      const reason = error instanceof Refusal ? error.message : String(error)
      refused[reason] = (refused[reason] ?? 0) + 1
    }
  })
  return { latenciesMs, tookMs: performance.now() - beganMs, answerBytes, refused }
}

const handlers = { run: runLoad }

export type LoadHandlers = typeof handlers

serveCalls(handlers)
