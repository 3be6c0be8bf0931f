import { type DestinationStream, type Logger, pino } from 'pino'

/** Paths that must never be printed, should one ever reach a log call. */
const REDACTED = [
  'req.headers.authorization',
  'headers.authorization',
  // @fastify/multipart tells at trace level which headers it gave its parser: all of them.
  'busboyOptions.headers',
  '*.apiKey',
  '*.prompt',
  'prompt',
  'apiKey',
  'authorization',
]

/** JSON lines on stdout, or to `destination`. Times are ISO 8601. */
export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    ...(destination ? [destination] : []),
  )
