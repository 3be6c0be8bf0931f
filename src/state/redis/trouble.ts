/** Why nothing is shared. */
export interface Trouble {
  /** What kind it is: told once as long as it stays the same. */
  readonly kind: string
  /** For operators; names no address and no password. */
  readonly reason: string
}

/** By the word that Redis' error begins with. */
const ANSWERS: Readonly<Record<string, string>> = {
  BUSY: 'Redis is busy with another script',
  CLUSTERDOWN: 'the Redis cluster is down',
  LOADING: 'Redis is still loading its data',
  MASTERDOWN: 'Redis has lost its master',
  MISCONF: 'Redis cannot write to its disk and takes no changes',
  NOAUTH: 'Redis wants a password that REDIS_URL does not have',
  NOPERM: 'Redis does not allow this user what sharing needs',
  NOREPLICAS: 'Redis has too few replicas to take changes',
  OOM: 'Redis is out of memory',
  READONLY: 'Redis is a replica and takes no changes',
  WRONGPASS: 'Redis refuses the user name or password of REDIS_URL',
  WRONGTYPE: 'a key that begins with gw:{rt} holds something else in Redis',
}

export const NOT_CONNECTED: Trouble = {
  kind: 'unreachable',
  reason: 'Redis cannot be reached',
}

/** Whether Redis itself answered with an error. */
const isAnswer = (error: Error): boolean => error.name === 'ReplyError'

/** Whether ioredis knows that it sent nothing. */
const isUnsent = (error: Error): boolean => error.message.includes("isn't writeable")

const codeOf = (error: Error): string => {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return /^[A-Z][A-Z0-9_]+$/.test(code) ? code : ''
}

/** The error of one node, where a cluster's error stands for all of them. */
const causeOf = (error: Error): Error =>
  'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError : error

/** Before Redis 7 a script's error stands within another one. */
const IN_SCRIPT = /^ERR Error running script .*@user_script: ?\d+: -?(?<code>[A-Z]+) /

const answerCodeOf = ({ message }: Error): string =>
  IN_SCRIPT.exec(message)?.groups?.['code'] ?? /^[A-Z]+/.exec(message)?.[0] ?? 'ERR'

/** Answers that Redis gives before it does anything. */
const REFUSALS = [
  ...[
    'BUSY',
    'LOADING',
    'MISCONF',
    'NOAUTH',
    'NOPERM',
    'NOREPLICAS',
    'NOSCRIPT',
    'OOM',
    'READONLY',
  ],
  ...['WRONGTYPE', 'CLUSTERDOWN', 'MASTERDOWN', 'MOVED', 'ASK', 'TRYAGAIN'],
]

/** Whether what was asked for surely had no effect. Of other errors nobody knows: a script is not undone. */
export const hadNoEffect = (error: Error): boolean =>
  isAnswer(error) ? REFUSALS.includes(answerCodeOf(error)) : isUnsent(error)

export const troubleOf = (thrown: Error): Trouble => {
  const error = causeOf(thrown)
  if (isAnswer(error)) {
    const kind = answerCodeOf(error)
    return { kind, reason: ANSWERS[kind] ?? `Redis answers with an error (${kind})` }
  }
  if (error.message === 'Command timed out' || error.message.startsWith('Socket timeout')) {
    return { kind: NOT_CONNECTED.kind, reason: 'Redis does not answer in time' }
  }
  const code = codeOf(error)
  return code ? { ...NOT_CONNECTED, reason: `${NOT_CONNECTED.reason} (${code})` } : NOT_CONNECTED
}

/** The kind of trouble when Redis refuses the database. */
export const NO_DATABASE = 'NODB'

const isCommand = (error: Error, name: string): boolean => {
  const command: unknown = 'command' in error ? error.command : undefined
  if (typeof command !== 'object' || command === null || !('name' in command)) return false
  return String(command.name).toLowerCase() === name
}

/** What it is that Redis refuses the database; `undefined`: the error is about something else. */
export const databaseTroubleOf = (error: Error): Trouble | undefined => {
  if (!isAnswer(error) || !isCommand(error, 'select')) return undefined
  const reason = ANSWERS[answerCodeOf(error)] ?? 'Redis refuses the database of REDIS_URL'
  return { kind: NO_DATABASE, reason }
}
