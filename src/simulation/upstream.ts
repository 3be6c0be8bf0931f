import type { ResolutionTier } from '#src/domain/media.ts'
import type { Outcome } from '#src/domain/provider-stats.ts'
import { COIN, flip, normalOf } from './coin.ts'
import type { EventQueue } from './event-queue.ts'
import { deathBetween, type SimulatedProvider, type Truth, truthAt } from './upstream-model.ts'

/** One call to a provider. */
export interface UpstreamCall {
  readonly request: number
  /** Which call of the request at this provider it is, from 0; copies have numbers of their own. */
  readonly attempt: number
  /** Whether the request was tried at this provider before: the same prompt tends to fail again. */
  readonly isAgain: boolean
  /** Whether every provider refuses the prompt. */
  readonly isRefused: boolean
  readonly tier: ResolutionTier
}

/** How a call ended, as the caller sees it. */
export interface CallEnd {
  readonly outcome: Outcome
  readonly durationMs: number
  readonly retryAfterMs?: number
  /** Whether the provider bills it: it generated to the end, with or without an image. */
  readonly isBilled: boolean
}

/** What a call comes to if nobody hangs up. */
interface Fate {
  readonly outcome: Outcome | 'hang'
  readonly durationMs: number
  readonly isGenerated: boolean
}

/** A provider answers that it is full, or down, within this. */
const RATE_LIMIT_MS = 300
const QUICK_FAILURE_MS = [300, 2_000] as const
/** A refusal comes after this share of a generation. */
const REFUSAL_SHARE = 0.45
/** A second try of the same prompt at the same provider succeeds with this much of the first one's probability. */
const AGAIN_FACTOR = 0.5
/** Calls that a rate quota saves up: providers count by the minute. */
const BURST_MS = 10_000

/** Hangs up. True: the call is billed all the same. */
export type HangUp = (nowMs: number) => boolean

interface Waiting {
  /** When its caller gives up. */
  readonly untilMs: number
  readonly start: (nowMs: number) => void
}

interface ProviderLoad {
  tokens: number
  filledMs: number
  busy: number
  queue: Waiting[]
}

/** The providers of one simulated world: what happens to each call, by true figures and fixed coins. */
export class Upstream {
  readonly #providers: readonly SimulatedProvider[]
  readonly #seed: number
  readonly #queue: EventQueue
  readonly #loads: ProviderLoad[]

  constructor(providers: readonly SimulatedProvider[], seed: number, queue: EventQueue) {
    this.#providers = providers
    this.#seed = seed
    this.#queue = queue
    this.#loads = providers.map(() => ({
      tokens: Infinity,
      filledMs: 0,
      busy: 0,
      queue: [],
    }))
  }

  #load(index: number): ProviderLoad {
    const load = this.#loads[index]
    if (!load) throw new Error(`No provider ${index}`)
    return load
  }

  #provider(index: number): SimulatedProvider {
    const provider = this.#providers[index]
    if (!provider) throw new Error(`No provider ${index}`)
    return provider
  }

  /** Until the next call would be taken at once, in ms. An estimate where jobs queue. */
  roomInMs(index: number, nowMs: number): number {
    const { quota, latency } = this.#provider(index)
    const load = this.#load(index)
    const { quotaFactor, slowness } = truthAt(this.#provider(index), nowMs)
    if (quota.type === 'slots') {
      const ahead = load.busy + load.queue.length - quota.slots * quotaFactor + 1
      const generationMs = Math.exp(latency.logMean + latency.sigma ** 2 / 2) * slowness
      return ahead <= 0 ? 0 : (ahead * generationMs) / (quota.slots * quotaFactor)
    }
    const perMs = (quota.perSecond * quotaFactor) / 1_000
    const most = Math.max(1, perMs * BURST_MS)
    load.tokens = Math.min(most, load.tokens + (nowMs - load.filledMs) * perMs)
    load.filledMs = nowMs
    return load.tokens >= 1 ? 0 : (1 - load.tokens) / perMs
  }

  #coin(call: UpstreamCall, index: number, purpose: Parameters<typeof flip>[4]): number {
    return flip(this.#seed, call.request, index, call.attempt, purpose)
  }

  #generationMs(call: UpstreamCall, index: number, { slowness }: Truth): number {
    const { logMean, sigma } = this.#provider(index).latency
    const radius = this.#coin(call, index, COIN.latencyRadius)
    const z = normalOf(radius, this.#coin(call, index, COIN.latencyAngle))
    return Math.exp(logMean + sigma * z) * slowness
  }

  #quickMs(call: UpstreamCall, index: number): number {
    const [least, most] = QUICK_FAILURE_MS
    return least + (most - least) * this.#coin(call, index, COIN.quickFailure)
  }

  #plannedFate(call: UpstreamCall, index: number, truth: Truth): Fate {
    if (truth.dead === 'hangs') return { outcome: 'hang', durationMs: Infinity, isGenerated: false }
    const quickMs = this.#quickMs(call, index)
    if (truth.dead) return { outcome: 'outage', durationMs: quickMs, isGenerated: false }
    const generationMs = this.#generationMs(call, index, truth)
    if (call.isRefused) {
      return { outcome: 'refused', durationMs: REFUSAL_SHARE * generationMs, isGenerated: false }
    }
    const chance = truth.success * (call.isAgain ? AGAIN_FACTOR : 1)
    if (this.#coin(call, index, COIN.success) < chance) {
      return { outcome: 'success', durationMs: generationMs, isGenerated: true }
    }
    const { quick, empty } = this.#provider(index).failures
    const kind = this.#coin(call, index, COIN.kind)
    if (kind < quick) return { outcome: 'outage', durationMs: quickMs, isGenerated: false }
    if (kind < quick + empty)
      return { outcome: 'empty', durationMs: generationMs, isGenerated: true }
    return { outcome: 'hang', durationMs: Infinity, isGenerated: false }
  }

  /** A death of the provider takes what is under way with it. */
  #fate(call: UpstreamCall, index: number, nowMs: number): Fate {
    const provider = this.#provider(index)
    const planned = this.#plannedFate(call, index, truthAt(provider, nowMs, call.tier))
    const death = deathBetween(provider, nowMs, nowMs + planned.durationMs)
    if (!death) return planned
    if (death.dead === 'hangs') return { outcome: 'hang', durationMs: Infinity, isGenerated: false }
    const durationMs = death.fromMs - nowMs + this.#quickMs(call, index)
    return { outcome: 'outage', durationMs, isGenerated: false }
  }

  /**
   * Sends a call; `done` is told once how it ended, after `timeoutMs` at the latest. The returned function hangs up on a
   * call that is under way: `done` is not told then, and whether the call is billed is answered.
   */
  call(
    index: number,
    call: UpstreamCall,
    timeoutMs: number,
    nowMs: number,
    done: (end: CallEnd, nowMs: number) => void,
  ): HangUp {
    const { quota } = this.#provider(index)
    const isDead = truthAt(this.#provider(index), nowMs).dead !== undefined
    if (quota.type === 'slots' && !isDead) {
      return this.#callSlots(index, quota.slots, call, timeoutMs, nowMs, done)
    }
    const roomInMs = quota.type === 'rate' && !isDead ? this.roomInMs(index, nowMs) : 0
    if (roomInMs > 0) {
      // Retry-After counts whole seconds.
      return this.#limit(Math.ceil(roomInMs / 1_000) * 1_000, nowMs, done)
    }
    if (quota.type === 'rate' && !isDead) this.#load(index).tokens -= 1
    return this.#serve(this.#fate(call, index, nowMs), nowMs, timeoutMs, nowMs, done)
  }

  #limit(retryAfterMs: number, nowMs: number, done: (end: CallEnd, nowMs: number) => void): HangUp {
    let isOver = false
    this.#queue.plan(nowMs + RATE_LIMIT_MS, (endMs) => {
      if (isOver) return
      const durationMs = RATE_LIMIT_MS
      done({ outcome: 'rate_limited', durationMs, retryAfterMs, isBilled: false }, endMs)
    })
    return () => {
      isOver = true
      return false
    }
  }

  /** Service begins at `startMs`; the caller has waited since `calledMs`. */
  #serve(
    { outcome, durationMs, isGenerated }: Fate,
    calledMs: number,
    timeoutMs: number,
    startMs: number,
    done: (end: CallEnd, nowMs: number) => void,
  ): HangUp {
    let isOver = false
    const endMs = Math.min(startMs + durationMs, calledMs + timeoutMs)
    const isCut = startMs + durationMs > calledMs + timeoutMs
    this.#queue.plan(endMs, () => {
      if (isOver) return
      isOver = true
      const seen = isCut || outcome === 'hang' ? 'timeout' : outcome
      done({ outcome: seen, durationMs: endMs - calledMs, isBilled: isGenerated }, endMs)
    })
    return () => {
      const isBilled = !isOver && isGenerated
      isOver = true
      return isBilled
    }
  }

  #callSlots(
    index: number,
    slots: number,
    call: UpstreamCall,
    timeoutMs: number,
    nowMs: number,
    done: (end: CallEnd, nowMs: number) => void,
  ): HangUp {
    const load = this.#load(index)
    const { quotaFactor } = truthAt(this.#provider(index), nowMs)
    let hangUp: HangUp | undefined
    const start = (startMs: number): void => {
      load.busy += 1
      const fate = this.#fate(call, index, startMs)
      hangUp = this.#serve(fate, nowMs, timeoutMs, startMs, (end, endMs) => {
        this.#free(load, endMs)
        done(end, endMs)
      })
    }
    if (load.busy < slots * quotaFactor) {
      start(nowMs)
      return (endMs) => this.#hangUpSlot(load, endMs, hangUp)
    }
    const waiting: Waiting = { start, untilMs: nowMs + timeoutMs }
    load.queue.push(waiting)
    this.#queue.plan(nowMs + timeoutMs, (endMs) => {
      if (!load.queue.includes(waiting)) return
      load.queue.splice(load.queue.indexOf(waiting), 1)
      // A job that never started is the provider's way to say that it is full.
      done({ outcome: 'rate_limited', durationMs: timeoutMs, isBilled: false }, endMs)
    })
    return (endMs) => {
      const place = load.queue.indexOf(waiting)
      if (place >= 0) load.queue.splice(place, 1)
      return place >= 0 ? false : this.#hangUpSlot(load, endMs, hangUp)
    }
  }

  #hangUpSlot(load: ProviderLoad, nowMs: number, hangUp?: HangUp): boolean {
    const isBilled = hangUp?.(nowMs) ?? false
    this.#free(load, nowMs)
    return isBilled
  }

  #free(load: ProviderLoad, nowMs: number): void {
    load.busy -= 1
    const next = load.queue.find(({ untilMs }) => untilMs > nowMs)
    if (!next) return
    load.queue.splice(load.queue.indexOf(next), 1)
    next.start(nowMs)
  }
}
