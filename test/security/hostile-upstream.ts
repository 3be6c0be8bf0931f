import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What every answer of the hostile upstream says, besides all that it was told. */
export const PLANTED_ANSWER = 'planted-upstream-answer'

/** Answers everything, and repeats in every answer what it was sent, credentials included. */
export interface HostileUpstream {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** How it answers from now on. */
  answerWith(answer: HostileAnswer): void
  /** Calls so far. */
  count(): number
  close(): Promise<void>
}

export interface HostileAnswer {
  readonly status: number
  readonly form: 'json' | 'html' | 'xml' | 'redirect'
}

/** Every kind of answer that is no success. */
export const HOSTILE_ANSWERS: readonly HostileAnswer[] = [
  ...[400, 401, 403, 404, 413, 422, 429, 500, 503].map(
    (status) => ({ status, form: 'json' }) as const,
  ),
  { status: 200, form: 'json' },
  { status: 200, form: 'html' },
  { status: 502, form: 'html' },
  { status: 302, form: 'redirect' },
]

/** The words in every place of which some provider's answers have one. */
const asJson = (words: string, status: number): string =>
  JSON.stringify({
    ...(status === 200
      ? { id: 'planted', status: 'failed', error: words, logs: words }
      : { error: { code: status, message: words, status: words, details: [{ reason: words }] } }),
    title: words,
    detail: status === 422 ? [{ loc: [words], msg: words, type: words, input: words }] : words,
    message: words,
    request_id: 'planted',
    candidates: [
      { finishReason: 'SAFETY', finishMessage: words, content: { parts: [{ text: words }] } },
    ],
    promptFeedback: { blockReason: 'SAFETY', blockReasonMessage: words },
  })

const RENDERERS: Readonly<
  Record<HostileAnswer['form'], (words: string, status: number) => string>
> = {
  json: asJson,
  html: (words) => `<html><title>${words}</title></html>`,
  xml: (words) => `<Error><Code>InternalError</Code><Message>${words}</Message></Error>`,
  redirect: (words) => words,
}

const TYPES = { json: 'application/json', html: 'text/html', xml: 'application/xml' }

const send = (response: ServerResponse, { status, form }: HostileAnswer, words: string): void => {
  response.writeHead(status, {
    'content-type': form === 'redirect' ? 'text/plain' : TYPES[form],
    'x-planted': PLANTED_ANSWER,
    ...(form === 'redirect' && { location: `http://127.0.0.1:9/${PLANTED_ANSWER}` }),
  })
  response.end(RENDERERS[form](words, status))
}

const repeat = async (request: IncomingMessage): Promise<string> => {
  const { authorization = '', 'x-goog-api-key': key = '' } = request.headers
  const body = (await text(request)).slice(0, 2_000)
  return `${PLANTED_ANSWER} ${authorization} ${key} ${request.url} ${body}`
}

export const startHostileUpstream = async (): Promise<HostileUpstream> => {
  let answer: HostileAnswer = { status: 500, form: 'json' }
  let calls = 0
  const server = createServer(async (request, response) => {
    calls += 1
    send(response, answer, await repeat(request))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answerWith: (wanted) => {
      answer = wanted
    },
    count: () => calls,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
