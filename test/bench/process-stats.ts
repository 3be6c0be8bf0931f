import { readFile, writeFile } from 'node:fs/promises'

/* What the operating system knows of a process. Linux only. */

/** Clock ticks in a second as /proc counts them (`getconf CLK_TCK`; fixed at 100 for user space on Linux). */
export const TICKS_PER_SECOND = 100

const KIB = 1_024

/**
 * Processor time of a process so far in ms, all its threads, in user space and in the kernel; steps of 10 ms. Fields 14
 * and 15 of /proc/PID/stat (proc_pid_stat(5)); the name in the second field may hold spaces.
 */
export const readCpuMs = async (pid: number): Promise<number> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return (ticks * 1_000) / TICKS_PER_SECOND
}

/** A process' memory in bytes. */
export interface ProcessMemory {
  /** What it holds in memory now, its shared libraries included. */
  readonly residentBytes: number
  /** The most it held since it began, or since `forgetPeak`. */
  readonly peakBytes: number
}

export const readMemory = async (pid: number): Promise<ProcessMemory> => {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * KIB
  return { residentBytes: field('VmRSS'), peakBytes: field('VmHWM') }
}

/** Has the peak begin anew at what is held now (proc_pid_clear_refs(5)). */
export const forgetPeak = (pid: number): Promise<void> => writeFile(`/proc/${pid}/clear_refs`, '5')
