import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChainableCommander } from 'ioredis'
import { COMMAND_TIMEOUT_MS, type RedisClient } from './connect.ts'
import { type Trouble, troubleOf } from './trouble.ts'

/** One command of a batch, and what becomes of its answer. */
export interface Step {
  send(pipeline: ChainableCommander): unknown
  answered?(answer: unknown): void
  failed?(error: Error): void
}

/** A script that Redis had forgotten is sent once more, so a batch takes two time-outs at most; real milliseconds. */
const BATCH_TIMEOUT_MS = 2 * COMMAND_TIMEOUT_MS + 100

type Answers = readonly [error: Error | null, answer: unknown][]

const execute = async (pipeline: ChainableCommander): Promise<Answers> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error('Command timed out'))
    timer = setTimeout(giveUp, BATCH_TIMEOUT_MS).unref()
  })
  try {
    return (await Promise.race([pipeline.exec(), limit])) ?? []
  } finally {
    clearTimeout(timer)
  }
}

const settle = (step: Step, error: Error | null, answer: unknown): void => {
  if (error) step.failed?.(error)
  else step.answered?.(answer)
}

/** Longest that answers are taken in without letting requests go in between, in real milliseconds. */
const SLICE_MS = 10

/** Settles each step, in order. Resolves to the first failure. */
const settleAll = async (steps: readonly Step[], answers: Answers): Promise<Error | undefined> => {
  let first: Error | undefined
  let sliceMs = performance.now()
  for (const [index, step] of steps.entries()) {
    if (performance.now() - sliceMs > SLICE_MS) {
      await nextTurn()
      sliceMs = performance.now()
    }
    const [error, answer] = answers[index] ?? [new Error('no answer'), undefined]
    settle(step, error, answer)
    first ??= error ?? undefined
  }
  return first
}

/** Sends all steps at once and settles each, in order. Says what the first failure was; never rejects for one. */
export const runBatch = async (
  client: RedisClient,
  steps: readonly Step[],
): Promise<Trouble | undefined> => {
  const pipeline = client.pipeline()
  for (const step of steps) step.send(pipeline)
  let answers: Answers
  try {
    answers = await execute(pipeline)
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error))
    for (const step of steps) step.failed?.(failure)
    return troubleOf(failure)
  }
  const first = await settleAll(steps, answers)
  return first && troubleOf(first)
}

/** A hash as `HGETALL` answers it; of anything else an empty one. */
export const asHash = (answer: unknown): Readonly<Record<string, string>> =>
  answer !== null && typeof answer === 'object' && !Array.isArray(answer)
    ? (answer as Record<string, string>)
    : {}
