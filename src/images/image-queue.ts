import pLimit from 'p-limit'
import { PICTURES_AT_ONCE } from './sharp-library.ts'

const limit = pLimit(PICTURES_AT_ONCE)

/**
 * Runs heavy picture work when a slot is free, in order of arrival. How many may wait is not limited here: a waiting
 * picture has been paid for. Load is shed before the provider is called, when requests are let in.
 * Work whose `signal` is aborted by its turn is not begun.
 */
export const runInImageQueue = <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
  limit(() => {
    signal?.throwIfAborted()
    return work()
  })

/** Pictures that are worked on, and those that wait for a slot. */
export const imageQueueLength = (): { readonly running: number; readonly waiting: number } => ({
  running: limit.activeCount,
  waiting: limit.pendingCount,
})

/** Whether pictures wait for a slot, so that encoders should hurry. */
export const isImageQueueBusy = (): boolean => limit.pendingCount > 0
