import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { once } from 'node:events'

/* Calls to a process that a benchmark started, over the channel that `fork` opens: one question, one answer. */

interface Question {
  readonly callId: number
  readonly name: string
  readonly argument: unknown
}

interface Reply {
  readonly callId: number
  readonly value?: unknown
  /** Absent: it went well. */
  readonly error?: string
}

/** What a process can be asked to do, by name. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>

/** The other end of a process' handlers. */
export type Calls<Served extends Handlers> = <Name extends keyof Served & string>(
  name: Name,
  argument: Parameters<Served[Name]>[0],
) => Promise<Awaited<ReturnType<Served[Name]>>>

/**
 * Answers what the parent asks, and ends the process with it. `keepsRunning`: as long as the parent is there; otherwise
 * the channel is no reason for the process to go on.
 */
export const serveCalls = (handlers: Handlers, { keepsRunning = true } = {}): void => {
  process.on('message', async ({ callId, name, argument }: Question) => {
    const handle = handlers[name]
    // Of a program that is observed: what it serves itself, it answers itself.
    if (handle === undefined) return
    try {
      const value = await handle(argument as never)
      process.send?.({ callId, value } satisfies Reply)
    } catch (error) {
      process.send?.({ callId, error: String(error) } satisfies Reply)
    }
  })
  // However the parent ended, nothing it started is to be left behind.
  process.once('disconnect', () => process.exit())
  // An observer in the same process may have let go of it.
  if (keepsRunning) process.channel?.ref()
  else process.channel?.unref()
}

/** Asks a process that was started with a channel. Rejects with its error, and when it ends. */
export const createCalls = <Served extends Handlers>(child: ChildProcess): Calls<Served> => {
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  let lastCallId = 0
  child.on('message', ({ callId, value, error }: Reply) => {
    const call = waiting.get(callId)
    waiting.delete(callId)
    if (error !== undefined) call?.reject(new Error(error))
    else call?.resolve(value as never)
  })
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) {
      reject(new Error(`${child.spawnargs.join(' ')} ended with ${code ?? signal}`))
    }
  })
  return (name, argument) => {
    lastCallId += 1
    const callId = lastCallId
    return new Promise((resolve, reject) => {
      waiting.set(callId, { resolve, reject })
      child.send({ callId, name, argument } satisfies Question)
    })
  }
}

/** A process of this folder that answers calls. */
export interface Helper<Served extends Handlers> {
  readonly pid: number
  readonly call: Calls<Served>
  stop(): Promise<void>
}

/** Ends a process that a benchmark started, gently, so that profiles are written. */
export const endProcess = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** Runs a file of this folder in a process of its own. */
export const startHelper = <Served extends Handlers>(
  file: string,
  options: ForkOptions = {},
): Helper<Served> => {
  const child = fork(new URL(file, import.meta.url), [], { stdio: 'inherit', ...options })
  return {
    pid: child.pid ?? 0,
    call: createCalls<Served>(child),
    stop: () => endProcess(child),
  }
}
