import { FAILURE_RULES, type FailureKind } from '#src/domain/errors.ts'
import { RESOLUTION_TIERS, type ResolutionTier } from '#src/domain/media.ts'
import { MODES, type Mode } from '#src/domain/model-card.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import { type Cell, cellIdOf, OUTCOMES } from '#src/domain/provider-stats.ts'
import type { AttemptEnd } from '#src/routing/provider-tracker.ts'

/** An offering that a request could have been sent to. */
export interface ReplayCandidate {
  readonly provider: string
  readonly configKey: string
  readonly tier: ResolutionTier
  /** Expected price of one image. */
  readonly priceMicroUsd: MicroUsd
  /** How much of the request it cannot honour. */
  readonly shortcomings: number
}

/** One attempt that was really made: a line `attempt` (level debug) or `probe` of the gateway's log. */
export interface ReplayLine {
  /** Attempts of one request share it. */
  readonly requestId: string
  /** A paid copy of a request, to find out if a provider is back: not where the request was sent. */
  readonly isProbe: boolean
  /** Canonical id of the model. */
  readonly model: string
  readonly provider: string
  readonly configKey: string
  readonly mode: Mode
  readonly tier: ResolutionTier
  /** When it was begun, in ms since the Unix epoch. */
  readonly begunMs: number
  /** Until the image was there or the provider failed, in real ms. */
  readonly providerMs: number
  readonly outcome: AttemptEnd['outcome']
  /** What the provider did wrong; absent: nothing. */
  readonly kind?: FailureKind
  /** How long the provider asked to be left alone, in real ms; absent: it said nothing. */
  readonly retryAfterMs?: number
  /** What it was chosen from, itself among them. */
  readonly candidates: readonly ReplayCandidate[]
}

/** The attempts of a log, in order of their begin, and how many of its lines are none. */
export interface ReplayLog {
  readonly lines: readonly ReplayLine[]
  /** Lines of attempts that cannot be read. */
  readonly unreadable: number
  /** Lines about something else. */
  readonly others: number
}

const ENDS = [...OUTCOMES, 'answered', 'abandoned'] as const
const KINDS = Object.keys(FAILURE_RULES) as FailureKind[]

const oneOf = <Value extends string>(values: readonly Value[], value: unknown): Value | undefined =>
  values.find((entry) => entry === value)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const parseJson = (text: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

const readCandidate = (entry: unknown): ReplayCandidate[] => {
  if (!isFields(entry)) return []
  const { provider, configKey, priceMicroUsd, shortcomings } = entry
  const tier = oneOf(RESOLUTION_TIERS, entry['tier'])
  if (!isText(provider) || !isText(configKey) || !tier) return []
  if (!isNumber(priceMicroUsd) || !isNumber(shortcomings)) return []
  return [{ provider, configKey, tier, priceMicroUsd, shortcomings }]
}

const readCandidates = (value: unknown, configKey: string): readonly ReplayCandidate[] => {
  const candidates = Array.isArray(value) ? value.flatMap(readCandidate) : []
  return candidates.some((candidate) => candidate.configKey === configKey) ? candidates : []
}

const readAttempt = (entry: Fields): ReplayLine | undefined => {
  const { requestId, model, provider, configKey, begunMs, providerMs, retryAfterMs } = entry
  const mode = oneOf(MODES, entry['mode'])
  const tier = oneOf(RESOLUTION_TIERS, entry['tier'])
  const outcome = oneOf(ENDS, entry['outcome'])
  const kind = oneOf(KINDS, entry['kind'])
  if (!isText(model) || !isText(provider) || !isText(configKey) || !isText(requestId)) {
    return undefined
  }
  if (!isNumber(begunMs) || !isNumber(providerMs) || !mode || !tier || !outcome) return undefined
  const candidates = readCandidates(entry['candidates'], configKey)
  if (candidates.length === 0) return undefined
  return {
    requestId,
    isProbe: entry['msg'] === 'probe',
    model,
    provider,
    configKey,
    mode,
    tier,
    begunMs,
    providerMs,
    outcome,
    ...(kind && { kind }),
    ...(isNumber(retryAfterMs) && { retryAfterMs }),
    candidates,
  }
}

/** Whether a line tells of an attempt that routing learnt from: it has not chosen those without an outcome. */
const isAttempt = ({ msg, outcome }: Fields): boolean =>
  (msg === 'attempt' || msg === 'probe') && outcome !== undefined

/** Picks the attempts out of a gateway's log, given line by line: a day at level debug is larger than a string may be. */
export const readReplayLog = async (
  log: AsyncIterable<string> | Iterable<string>,
): Promise<ReplayLog> => {
  const lines: ReplayLine[] = []
  let unreadable = 0
  let others = 0
  for await (const text of log) {
    if (text.trim() === '') continue
    const entry = parseJson(text)
    if (!entry || !isAttempt(entry)) {
      others += 1
      continue
    }
    const line = readAttempt(entry)
    if (line) lines.push(line)
    else unreadable += 1
  }
  lines.sort((left, right) => left.begunMs - right.begunMs)
  return { lines, unreadable, others }
}

/** The cell that one of a line's candidates stands for. */
export const cellOfCandidate = (
  { model, mode }: Pick<ReplayLine, 'model' | 'mode'>,
  { provider, configKey, tier }: Pick<ReplayCandidate, 'provider' | 'configKey' | 'tier'>,
): Cell => ({
  id: cellIdOf(configKey, mode, tier),
  modelId: model,
  provider,
  configKey,
  mode,
  tier,
})

/** The cell that a line's attempt was made at. */
export const cellOfLine = (line: ReplayLine): Cell => cellOfCandidate(line, line)
