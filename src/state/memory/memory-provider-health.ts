import type { Pause, ProviderHealth } from '#src/domain/provider-health.ts'

/** Pauses of this process alone. Bounded by the number of offerings. */
export const createMemoryProviderHealth = (): ProviderHealth => {
  const pauses = new Map<string, Pause>()
  return {
    pauseOf: (key, nowMs) => {
      const pause = pauses.get(key)
      if (pause && pause.untilMs <= nowMs) pauses.delete(key)
      return pauses.get(key)
    },
    pause: (key, pause) => {
      const present = pauses.get(key)
      if (!present || present.untilMs < pause.untilMs) pauses.set(key, pause)
    },
    resume: (key, begunMs) => {
      const pause = pauses.get(key)
      if (pause && pause.sinceMs <= begunMs) pauses.delete(key)
    },
  }
}
