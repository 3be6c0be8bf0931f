import type { CallKind, RecordedCall } from './emulator.ts'

/** Long demonstrations and benchmarks would otherwise keep every picture that was ever sent. */
const MAX_CALLS = 10_000
const MAX_BODY_BYTES = 256 * 1024 * 1024

/** What an emulator was asked. */
export interface CallLog {
  readonly calls: readonly RecordedCall[]
  record(call: RecordedCall, bodyBytes: number): void
  count(kind: CallKind): number
  clear(): void
}

export const createCallLog = (): CallLog => {
  const calls: RecordedCall[] = []
  const sizes: number[] = []
  const counts = new Map<CallKind, number>()
  let keptBytes = 0
  const dropOldest = (): void => {
    calls.shift()
    keptBytes -= sizes.shift() ?? 0
  }
  return {
    calls,
    record(call, bodyBytes) {
      calls.push(call)
      sizes.push(bodyBytes)
      keptBytes += bodyBytes
      counts.set(call.kind, (counts.get(call.kind) ?? 0) + 1)
      while (calls.length > MAX_CALLS || (keptBytes > MAX_BODY_BYTES && calls.length > 1)) {
        dropOldest()
      }
    },
    count: (kind) => counts.get(kind) ?? 0,
    clear() {
      calls.length = 0
      sizes.length = 0
      keptBytes = 0
      counts.clear()
    },
  }
}
