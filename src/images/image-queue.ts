import { BYTES_PER_PIXEL, PICTURES_AT_ONCE } from './sharp-library.ts'

/**
 * Memory of work that takes one slot, in bytes: 4096² to all but GIF and AVIF. What takes more has more slots, the largest
 * all: together they take no more than the largest alone.
 */
export const SLOT_BYTES = 4096 * 4096 * BYTES_PER_PIXEL.png

interface Waiter {
  readonly slots: number
  readonly letIn: () => void
}

let slotsTaken = 0
let running = 0
const waiters: Waiter[] = []

const slotsFor = (bytes: number): number =>
  Math.min(PICTURES_AT_ONCE, Math.max(1, Math.ceil(bytes / SLOT_BYTES)))

const letWaitersIn = (): void => {
  for (;;) {
    const [first] = waiters
    if (!first || slotsTaken + first.slots > PICTURES_AT_ONCE) return
    waiters.shift()
    slotsTaken += first.slots
    running += 1
    first.letIn()
  }
}

export interface ImageWork {
  /** Memory that it takes, in bytes; absent: not more than one slot is for. */
  readonly bytes?: number
  /** Once aborted, work that waits is not begun; absent: it always is. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs heavy picture work when there is room, in order of arrival. How many may wait is not limited here: a waiting
 * picture has been paid for. Load is shed before the provider is called, when requests are let in.
 */
export const runInImageQueue = async <T>(
  work: () => Promise<T>,
  { bytes = 0, signal }: ImageWork = {},
): Promise<T> => {
  const slots = slotsFor(bytes)
  await new Promise<void>((letIn) => {
    waiters.push({ slots, letIn })
    letWaitersIn()
  })
  try {
    signal?.throwIfAborted()
    return await work()
  } finally {
    slotsTaken -= slots
    running -= 1
    letWaitersIn()
  }
}

/** Pictures that are worked on, and those that wait for a slot. */
export const imageQueueLength = (): { readonly running: number; readonly waiting: number } => ({
  running,
  waiting: waiters.length,
})

/** Whether pictures wait for a slot, so that encoders should hurry. */
export const isImageQueueBusy = (): boolean => waiters.length > 0
