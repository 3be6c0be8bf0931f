import { setBounded } from './bounded-map.ts'

/** Beyond this number the oldest are forgotten: a long benchmark may leave many. */
const MAX_OPEN_JOBS = 10_000

/** Jobs whose end nobody has asked for or been told of yet. */
export interface OpenJobs {
  open(jobId: string): void
  /** The job was cancelled, or its end was told. */
  settle(jobId: string): void
  count(): number
  clear(): void
}

export const createOpenJobs = (): OpenJobs => {
  const jobs = new Map<string, true>()
  return {
    open: (jobId) => setBounded(jobs, jobId, true, MAX_OPEN_JOBS),
    settle: (jobId) => void jobs.delete(jobId),
    count: () => jobs.size,
    clear: () => jobs.clear(),
  }
}
