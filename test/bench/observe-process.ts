import { monitorEventLoopDelay } from 'node:perf_hooks'
import { GCProfiler, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { serveCalls } from './child-calls.ts'

/*
 * Loaded by `--import` before the program of a process that is measured: answers how long its event loop was kept
 * busy. Where there is no channel it does nothing.
 */

/** Ms between looks. A look that comes late by so much as it comes late is what is reported. */
const RESOLUTION_MS = 1

/** How late the event loop was, in ms. */
export interface EventLoopDelay {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

const lateMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What finalizers held is freed the second time.
  collect()
  collect()
}

/** Bytes that were made since, whether or not they have been freed. */
export interface Allocations {
  /** Of JavaScript's own: objects and texts. */
  readonly heapBytes: number
  /** Of buffers, and of texts that lie outside. */
  readonly externalBytes: number
}

/** Absent: nobody counts. */
let profiler: GCProfiler | undefined
let atStart = process.memoryUsage()

const startCounting = (): void => {
  collectGarbage()
  atStart = process.memoryUsage()
  profiler = new GCProfiler()
  profiler.start()
}

/** What was there before each collection is what the last one left, and what was made since. */
const stopCounting = (): Allocations => {
  collectGarbage()
  const collections = profiler?.stop()?.statistics ?? []
  profiler = undefined
  let [heapBytes, externalBytes] = [0, 0]
  let left = { heap: atStart.heapUsed, external: atStart.external }
  for (const { beforeGC, afterGC } of collections) {
    const [before, after] = [beforeGC.heapStatistics, afterGC.heapStatistics]
    heapBytes += Math.max(0, before.usedHeapSize - left.heap)
    externalBytes += Math.max(0, before.externalMemory - left.external)
    left = { heap: after.usedHeapSize, external: after.externalMemory }
  }
  return { heapBytes, externalBytes }
}

const now = Date.now.bind(Date)

const handlers = {
  /** Begins anew. */
  watchDelay: (): void => {
    histogram.reset()
    histogram.enable()
  },
  /** Ends, and tells what was seen. */
  readDelay: (): EventLoopDelay => {
    histogram.disable()
    return {
      p50Ms: lateMs(histogram.percentile(50)),
      p99Ms: lateMs(histogram.percentile(99)),
      maxMs: lateMs(histogram.max),
    }
  },
  /** Frees what nobody holds, so that what is held can be told from what was only not yet freed. */
  collectGarbage,
  /** Counts what is made from now on. */
  startCounting,
  stopCounting,
  /** From now on the wall clock shows so many ms less than it is. */
  setClockBack: (ms: number): void => {
    Date.now = () => now() - ms
  },
  /** Bytes of JavaScript's heap and of buffers that somebody holds. */
  readLiveBytes: (): number => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
}

export type ObserverHandlers = typeof handlers

if (process.send) serveCalls(handlers, { keepsRunning: false })
