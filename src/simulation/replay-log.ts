import { RESOLUTION_TIERS, type ResolutionTier } from '#src/domain/media.ts'
import { MODES, type Mode } from '#src/domain/model-card.ts'
import { microUsdFromUsd } from '#src/domain/money.ts'
import { type Cell, cellIdOf, OUTCOMES, type Outcome } from '#src/domain/provider-stats.ts'

/** One line of a log to be replayed: one attempt that was really made, as a JSON object. Times in ms. */
export interface ReplayLine {
  /** Canonical id of the model. */
  readonly model: string
  readonly provider: string
  readonly configKey: string
  readonly mode: Mode
  readonly tier: ResolutionTier
  /** When it was begun, since the Unix epoch. */
  readonly begunMs: number
  readonly durationMs: number
  readonly outcome: Outcome
  /** Attempts of one request share it. */
  readonly requestId: string
  /** In USD; absent: 0. */
  readonly pricePerImage?: number
}

const oneOf = <Value extends string>(values: readonly Value[], value: unknown): Value | undefined =>
  values.find((entry) => entry === value)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

const parseJson = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

const readLine = (text: string): ReplayLine | undefined => {
  const entry = parseJson(text)
  if (!entry) return undefined
  const { model, provider, configKey, begunMs, durationMs, requestId, pricePerImage } = entry
  const mode = oneOf(MODES, entry['mode'])
  const tier = oneOf(RESOLUTION_TIERS, entry['tier'])
  const outcome = oneOf(OUTCOMES, entry['outcome'])
  if (!isText(model) || !isText(provider) || !isText(configKey) || !isText(requestId)) {
    return undefined
  }
  if (!isNumber(begunMs) || !isNumber(durationMs) || !mode || !tier || !outcome) return undefined
  return {
    model,
    provider,
    configKey,
    mode,
    tier,
    begunMs,
    durationMs,
    outcome,
    requestId,
    ...(isNumber(pricePerImage) && { pricePerImage }),
  }
}

/** The attempts of a log in JSON lines, in order of their begin; lines that are none are counted. */
export const readReplayLog = (
  text: string,
): { readonly lines: readonly ReplayLine[]; readonly skipped: number } => {
  const texts = text.split('\n').filter((line) => line.trim() !== '')
  const lines = texts.flatMap((line) => readLine(line) ?? [])
  return {
    lines: lines.sort((left, right) => left.begunMs - right.begunMs),
    skipped: texts.length - lines.length,
  }
}

export const cellOfLine = ({ model, provider, configKey, mode, tier }: ReplayLine): Cell => ({
  id: cellIdOf(configKey, mode, tier),
  modelId: model,
  provider,
  configKey,
  mode,
  tier,
})

export const priceOfLine = ({ pricePerImage = 0 }: ReplayLine): number =>
  microUsdFromUsd(pricePerImage)
