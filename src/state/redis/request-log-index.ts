import { timePositionOf } from '#src/domain/request-position.ts'
import type { RequestFilter } from '#src/domain/request-record.ts'
import { createMatcher } from '#src/domain/request-selection.ts'
import { runBatch } from './batch.ts'
import type { RedisConnection } from './connect.ts'
import { type LogEntry, parseEntry } from './request-log-entry.ts'
import { ALL_KEY, keyIndexOf } from './request-log-keys.ts'
import { NOT_CONNECTED, type Trouble } from './trouble.ts'

/** Entries read at once where most match: a page's worth and some. */
const FEW_ENTRIES = 128
/** Entries read at once where few match, or all are wanted: 0.5 MB, some milliseconds of Redis and of this process. */
const MANY_ENTRIES = 4_096

/** How far the clocks of gateways may differ, in ms: what is from later than that is no request. */
const MAX_LEAD_MS = 3_600_000

/**
 * What is at a position begins with it and a space, and so sorts after the position itself; `\x7f` sorts after all of
 * that, and before what is at the next position.
 */
export const afterPosition = (position: string): string => `${position} \x7f`

/** Which entries, and where among them. */
export interface Scan {
  readonly filter: RequestFilter
  readonly direction: 'to_older' | 'to_newer'
  /** Least text, included; absent: as the filter says. */
  readonly low?: string
  /** Greatest text, not included; absent: as the filter says. */
  readonly high?: string
  /** Wall-clock ms. */
  readonly nowMs: number
  /** Entries that do not count, as they are known better. */
  readonly isKnown: (entry: LogEntry) => boolean
}

/** Redis could not be read. */
export class LogUnreachable extends Error {
  override readonly name = 'LogUnreachable'
  readonly trouble: Trouble

  constructor(trouble: Trouble) {
    super(trouble.reason)
    this.trouble = trouble
  }
}

/** Asks Redis one thing; rejects with `LogUnreachable`. */
export const ask = async (
  { client, isReady }: RedisConnection,
  send: (pipeline: ReturnType<RedisConnection['client']['pipeline']>) => unknown,
): Promise<unknown> => {
  if (!isReady()) throw new LogUnreachable(NOT_CONNECTED)
  let answer: unknown
  const trouble = await runBatch(client, [
    {
      send,
      answered: (given) => {
        answer = given
      },
    },
  ])
  if (trouble) throw new LogUnreachable(trouble)
  return answer
}

const boundsOf = ({ filter, nowMs, low = '', high = '\x7f' }: Scan) => {
  const { createdFromMs = 0, createdBeforeMs = Number.POSITIVE_INFINITY } = filter
  const from = timePositionOf(createdFromMs)
  const before = timePositionOf(Math.min(createdBeforeMs, nowMs + MAX_LEAD_MS))
  return { low: `[${low > from ? low : from}`, high: `(${high < before ? high : before}` }
}

const hasFieldFilter = ({ status, model }: RequestFilter): boolean =>
  status !== undefined || model !== undefined

/** Reads entries that match, piece by piece, until `take` says that it has enough or there are no more. */
export const scanEntries = async (
  connection: RedisConnection,
  scan: Scan,
  take: (entries: readonly LogEntry[]) => 'enough' | 'more',
): Promise<void> => {
  const { filter, direction, isKnown } = scan
  const key = filter.keyId === undefined ? ALL_KEY : keyIndexOf(filter.keyId ?? undefined)
  const matches = createMatcher(filter)
  let { low, high } = boundsOf(scan)
  let size = hasFieldFilter(filter) ? 4 * FEW_ENTRIES : FEW_ENTRIES
  for (;;) {
    const answer = await ask(connection, (pipeline) =>
      direction === 'to_older'
        ? pipeline.zrevrangebylex(key, high, low, 'LIMIT', 0, size)
        : pipeline.zrangebylex(key, low, high, 'LIMIT', 0, size),
    )
    const texts = Array.isArray(answer) ? answer.map(String) : []
    const entries = texts
      .map(parseEntry)
      .filter((entry) => entry !== undefined)
      .filter((entry) => matches(entry) && !isKnown(entry))
    if (take(entries) === 'enough' || texts.length < size) return
    const bound = `(${texts.at(-1)}`
    if (direction === 'to_older') high = bound
    else low = bound
    size = MANY_ENTRIES
  }
}

/** The first entries that match, at least so many if there are. */
export const firstEntries = async (
  connection: RedisConnection,
  scan: Scan,
  count: number,
): Promise<LogEntry[]> => {
  const found: LogEntry[] = []
  await scanEntries(connection, scan, (entries) => {
    for (const entry of entries) found.push(entry)
    return found.length >= count ? 'enough' : 'more'
  })
  return found.slice(0, count)
}
