import { setTimeout as pause } from 'node:timers/promises'
import type { Stage } from './stage.ts'

/** Ms between two looks. */
const LOOK_MS = 20

/** Ms without another one, after which no more will come. */
const PATIENCE_MS = 3_000

/** Resolves with how many requests wait at the upstream, which is held: so many, or as many as ever come. */
export const untilWaiting = async ({ upstream }: Stage, wanted: number): Promise<number> => {
  let waiting = 0
  let lastCameMs = performance.now()
  while (waiting < wanted && performance.now() - lastCameMs < PATIENCE_MS) {
    await pause(LOOK_MS)
    const { waiting: now } = await upstream.call('counts', undefined)
    if (now !== waiting) lastCameMs = performance.now()
    waiting = now
  }
  return waiting
}
