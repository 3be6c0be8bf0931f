import { type Calls, startHelper } from './child-calls.ts'
import { startGatewayProcess } from './gateway-process.ts'
import type { Target } from './load.ts'
import type { ObserverHandlers } from './observe-process.ts'
import { OBSERVER } from './observer.ts'
import type { PassThroughHandlers } from './pass-through.ts'
import { startPortkey } from './portkey.ts'

/* The programs that are compared, each in a process of its own in front of the same upstream. */

/** One of them. */
export interface Side {
  readonly name: string
  readonly pid: number
  readonly target: Target
  readonly observe: Calls<ObserverHandlers>
  /** Where it keeps hosted images; absent: it hosts none. */
  readonly mediaFolder?: string
  stop(): Promise<void>
}

export const BENCH_KEY = 'bench-key'

const MODEL = 'gemini-3.1-flash-image-preview'

const JSON_HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${BENCH_KEY}` }

/** What OpenAI's clients send for one picture, and what OpenAI answers: base64. */
const OPENAI_BODY = JSON.stringify({ model: 'gpt-image-1', prompt: 'a lighthouse', n: 1 })

export const PASS_THROUGH = 'node:http pass-through'
const WHOLE_PASS_THROUGH = `${PASS_THROUGH}, whole answers`
export const PORTKEY = 'Portkey 1.15'

/** A bare proxy: what any proxy in Node has to spend. `waitsForWhole`: what any has that can still ask another provider. */
export const startPassThrough = async (
  upstreamPort: number,
  { waitsForWhole = false } = {},
): Promise<Side> => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    UPSTREAM_PORT: String(upstreamPort),
    ...(waitsForWhole && { WHOLE_ANSWERS: '1' }),
  }
  const execArgv = ['--import', OBSERVER]
  const helper = startHelper<PassThroughHandlers & ObserverHandlers>('pass-through.ts', {
    env,
    execArgv,
  })
  const port = await helper.call('start', undefined)
  return {
    name: waitsForWhole ? WHOLE_PASS_THROUGH : PASS_THROUGH,
    pid: helper.pid,
    target: {
      origin: `http://127.0.0.1:${port}`,
      path: '/v1/images/generations',
      headers: JSON_HEADERS,
      body: OPENAI_BODY,
    },
    observe: helper.call,
    stop: helper.stop,
  }
}

/** The best-known gateway in TypeScript, for images of OpenAI. */
export const startPortkeySide = async (upstreamPort: number): Promise<Side> => {
  const { url, pid, observe, stop } = await startPortkey()
  const headers = {
    ...JSON_HEADERS,
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/v1`,
  }
  const target = { origin: url, path: '/v1/images/generations', headers, body: OPENAI_BODY }
  return { name: PORTKEY, pid, target, observe, stop }
}

/** Where it gets pictures from, and how it answers. */
export interface GatewayWork {
  readonly provider: 'gemini' | 'fal'
  readonly responseFormat: 'b64_json' | 'url'
  /** Absent: as it comes. */
  readonly outputFormat?: 'webp'
}

/** What switches the providers on and sends them to the upstream. */
export const upstreamEnvironment = (upstreamPort: number): Record<string, string> => {
  const url = `http://127.0.0.1:${upstreamPort}`
  return {
    GEMINI_API_KEY: 'gemini-key',
    GEMINI_BASE_URL: url,
    FAL_KEY: 'fal-key',
    FAL_BASE_URL: url,
    OUTBOUND_ALLOW: `127.0.0.1:${upstreamPort}`,
    GATEWAY_API_KEYS: BENCH_KEY,
  }
}

export const generationTarget = (
  origin: string,
  { provider, responseFormat, outputFormat }: GatewayWork,
  model = MODEL,
): Target => ({
  origin,
  path: '/openai/v1/images/generations',
  headers: JSON_HEADERS,
  body: JSON.stringify({
    model: `${provider}/${model}`,
    prompt: 'a lighthouse',
    n: 1,
    response_format: responseFormat,
    output_format: outputFormat,
  }),
})

export const describeWork = ({ provider, responseFormat }: GatewayWork): string =>
  `Fresnel, ${provider} → ${responseFormat}`

/** A form with pictures in a file, sent to where this side takes edits. */
export const editTarget = ({ target }: Side, file: string, contentType: string): Target => ({
  ...target,
  path: target.path.replace('generations', 'edits'),
  headers: { ...target.headers, 'content-type': contentType },
  bodyFile: file,
})

/** A gateway of ours, with everything on that an operator would have on. */
export const startFresnel = async (
  upstreamPort: number,
  work: GatewayWork,
  environment: Readonly<Record<string, string>> = {},
): Promise<Side> => {
  const { url, ...gateway } = await startGatewayProcess({
    ...upstreamEnvironment(upstreamPort),
    ...environment,
  })
  return { ...gateway, name: describeWork(work), target: generationTarget(url, work) }
}
