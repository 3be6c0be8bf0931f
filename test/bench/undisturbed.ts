import { readdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { benchOptions } from './bench-options.ts'
import { TICKS_PER_SECOND } from './process-stats.ts'

/*
 * Measures while the machine does nothing else. Where it is shared it waits for a quiet moment, and does again what
 * others came between; but not for ever, so it counts what was disturbed all the same.
 */

/** Share of the machine that others may have. */
const OTHERS_ALLOWED = 0.12

/** Ms that are looked at before the beginning. */
const LOOK_MS = 250

/** Times that something is done at most. */
const MOST_TRIES = 3

let waitedMs = 0
let done = 0
let disturbed = 0

/** Processor time in ms since some beginning: of the whole machine, and of this process and all that it started. */
interface Used {
  readonly machineMs: number
  readonly ownMs: number
  readonly atMs: number
}

const msOf = (ticks: readonly (string | undefined)[]): number =>
  (ticks.reduce((sum, text) => sum + Number(text ?? 0), 0) * 1_000) / TICKS_PER_SECOND

/** user, nice, system, irq, softirq and steal of the first line (proc_stat(5)). */
const readMachineMs = async (): Promise<number> => {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  const [, user, nice, system, , , irq, softirq, steal] = first.split(/\s+/)
  return msOf([user, nice, system, irq, softirq, steal])
}

interface ProcessTimes {
  readonly parent: number
  /** Its own, and that of children which have ended. */
  readonly usedMs: number
}

const readTimes = async (pid: number): Promise<ProcessTimes | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { parent: Number(fields[1]), usedMs: msOf(fields.slice(11, 15)) }
}

const readOwnMs = async (): Promise<number> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const times = new Map<number, ProcessTimes>()
  for (const pid of pids) {
    const found = await readTimes(pid)
    if (found) times.set(pid, found)
  }
  const isOwn = (pid: number): boolean =>
    pid === process.pid || (times.has(pid) && isOwn(times.get(pid)?.parent ?? 0))
  return [...times].reduce((sum, [pid, { usedMs }]) => (isOwn(pid) ? sum + usedMs : sum), 0)
}

const readUsed = async (): Promise<Used> => ({
  machineMs: await readMachineMs(),
  ownMs: await readOwnMs(),
  atMs: performance.now(),
})

/** Share of the machine's processors that others had in between. */
const shareOfOthers = (before: Used, after: Used): number => {
  const others = after.machineMs - before.machineMs - (after.ownMs - before.ownMs)
  return Math.max(0, others) / ((after.atMs - before.atMs) * availableParallelism())
}

const untilQuiet = async (): Promise<void> => {
  while (waitedMs < benchOptions.patienceMs) {
    const before = await readUsed()
    await pause(LOOK_MS)
    if (shareOfOthers(before, await readUsed()) <= OTHERS_ALLOWED) return
    waitedMs += LOOK_MS
  }
}

/** Does it in a quiet moment, and again when others came between. */
export const undisturbed = async <T>(act: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    await untilQuiet()
    const before = await readUsed()
    const result = await act()
    const isQuiet = shareOfOthers(before, await readUsed()) <= OTHERS_ALLOWED
    const isLast = tries === MOST_TRIES || waitedMs >= benchOptions.patienceMs
    if (!isQuiet && !isLast) continue
    done += 1
    if (!isQuiet) disturbed += 1
    return result
  }
}

/** How much of what was measured so far others came between; for whoever reads the figures. */
export const describeDisturbance = (): string =>
  `${done} measurements, ${disturbed} of them while other programs had over ${OTHERS_ALLOWED * 100} % of the machine; ${Math.round(waitedMs / 1_000)} s were waited for quiet.`
