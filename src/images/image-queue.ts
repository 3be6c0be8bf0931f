import { PICTURES_AT_ONCE } from './sharp-library.ts'

/** Pixels of a picture that takes one slot: 4096². A larger one takes more, the largest all, as its pixels lie in memory. */
export const SLOT_PIXELS = 4096 * 4096

interface Waiter {
  readonly slots: number
  readonly letIn: () => void
}

let slotsTaken = 0
let running = 0
const waiters: Waiter[] = []

const slotsFor = (pixels: number): number =>
  Math.min(PICTURES_AT_ONCE, Math.max(1, Math.ceil(pixels / SLOT_PIXELS)))

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
  /** Pixels that are decoded, all frames counted; absent: not more than one slot is for. */
  readonly pixels?: number
  /** Once aborted, work that waits is not begun; absent: it always is. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs heavy picture work when there is room, in order of arrival. How many may wait is not limited here: a waiting
 * picture has been paid for. Load is shed before the provider is called, when requests are let in.
 */
export const runInImageQueue = async <T>(
  work: () => Promise<T>,
  { pixels = 0, signal }: ImageWork = {},
): Promise<T> => {
  const slots = slotsFor(pixels)
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
