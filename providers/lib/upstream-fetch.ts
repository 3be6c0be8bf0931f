import { Agent, type RequestInit as UndiciRequestInit, fetch as undiciFetch } from 'undici'

/** Milliseconds to wait for a connection: a host that takes longer is down, and another provider is waiting. */
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Milliseconds an idle connection is kept for the next request. Google's front ends close theirs after about four
 * minutes; ending ours well before avoids sending a generation into a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 30_000

export interface UpstreamFetch {
  /** Sends requests over kept connections, without any time limit but the one for connecting. */
  readonly fetch: typeof globalThis.fetch
  /** Ends the idle connections, after those in use are done. */
  close(): Promise<void>
}

/**
 * The transport of all adapters. Undici's own limits on waiting for headers and body (300 s each) are off: a
 * generation may be silent for longer, and the attempt's signal ends it.
 */
export const createUpstreamFetch = (): UpstreamFetch => {
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const upstreamFetch: typeof globalThis.fetch = async (input, init) => {
    const portable = await withoutGlobalForm(init)
    const options = { ...portable, dispatcher: agent } as UndiciRequestInit
    // Node's bundled fetch and the package's are typed apart, though they behave alike.
    return (await undiciFetch(input as string | URL, options)) as unknown as Response
  }
  return { fetch: upstreamFetch, close: () => agent.close() }
}

/**
 * The package's fetch takes a form made with the global `FormData` for an unknown object and sends the text
 * "[object FormData]" (undici 8.12). Encoding it by the global `Response` gives bytes and the boundary.
 */
const withoutGlobalForm = async (init: RequestInit | undefined): Promise<RequestInit> => {
  if (!(init?.body instanceof FormData)) return init ?? {}
  const encoded = new Response(init.body)
  const headers = new Headers(init.headers)
  headers.set('content-type', encoded.headers.get('content-type') ?? '')
  return { ...init, headers, body: await encoded.arrayBuffer() }
}
