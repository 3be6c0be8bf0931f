import {
  addCounts,
  type Cell,
  cellIdOf,
  type HealthRecord,
  noCounts,
  type Observation,
  type OutcomeCounts,
  type StatsReceiver,
} from '#src/domain/provider-stats.ts'

/** A receiver that remembers what it was told. */
export interface StatsRecorder extends StatsReceiver {
  /** Everything absorbed, by cell. */
  readonly absorbed: ReadonlyMap<string, OutcomeCounts>
  /** Observation times and when they were told. */
  readonly times: { readonly atMs: number; readonly nowMs: number }[]
  readonly adopted: [key: string, record: HealthRecord][]
  readonly granted: string[]
  replicas: number
  /** Keys that a probe is wanted for. */
  wanted: readonly string[]
  /** Successes absorbed in all. */
  successes(): number
}

export const createStatsRecorder = (): StatsRecorder => {
  const absorbed = new Map<string, OutcomeCounts>()
  const recorder: StatsRecorder = {
    absorbed,
    times: [],
    adopted: [],
    granted: [],
    replicas: 1,
    wanted: [],
    successes: () => [...absorbed.values()].reduce((sum, { success }) => sum + success, 0),
    absorb: (cellId, counts, atMs, nowMs) => {
      const into = absorbed.get(cellId) ?? noCounts()
      addCounts(into, counts)
      absorbed.set(cellId, into)
      recorder.times.push({ atMs, nowMs })
    },
    adoptHealth: (key, record) => {
      recorder.adopted.push([key, record])
    },
    setReplicas: (count) => {
      recorder.replicas = count
    },
    wantedProbes: () => recorder.wanted,
    grantProbe: (key) => {
      recorder.granted.push(key)
    },
  }
  return recorder
}

export const testCell = (configKey = 'gemini/painter', part: Partial<Cell> = {}): Cell => {
  const cell = { mode: 'text_to_image', tier: '1K', ...part } as const
  return {
    id: cellIdOf(configKey, cell.mode, cell.tier),
    modelId: 'google/painter',
    provider: configKey.split('/')[0] ?? '',
    configKey,
    ...cell,
  }
}

export const success = (atMs: number, part: Partial<Observation> = {}): Observation => ({
  cell: testCell(),
  outcome: 'success',
  atMs,
  durationMs: 20_000,
  ...part,
})
