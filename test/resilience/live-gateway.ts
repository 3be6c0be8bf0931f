import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { GENERATIONS, type JsonAnswer, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import { readSamples, total } from '#test/observability/read-metrics.ts'

/** A gateway in a process of its own, with its metrics and health on an admin port. */
export interface LiveGateway {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string
  readonly port: number
  readonly adminUrl: string
  readonly process: GatewayProcess
  /** Asks for one image; `part` over the first model and a prompt. */
  ask(part?: object, headers?: Record<string, string>): Promise<JsonAnswer>
  /** One call with a JSON body or none, with the key. */
  call(
    method: string,
    path: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<JsonAnswer>
  /** Sum of the samples of a metric that have these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** Status of a path of the admin port. */
  health(path: '/livez' | '/readyz'): Promise<number>
  /** Ends it at once, and resolves when it has ended. */
  kill(): Promise<void>
}

export interface LiveGatewayOptions {
  /** Working directory; images are hosted in its `media`, unless the environment says otherwise. */
  readonly folder: string
  /** Over a key and ports that are free. */
  readonly environment: Record<string, string>
  /** Absent: a free one. */
  readonly port?: number
}

/** Starts the process without waiting for it to listen. */
export const beginLiveGateway = async ({
  folder,
  environment,
  port,
}: LiveGatewayOptions): Promise<LiveGateway> => {
  const [apiPort, adminPort] = [port ?? (await freePort()), await freePort()]
  const process = new GatewayProcess(folder, {
    GATEWAY_API_KEYS: TEST_KEY,
    ...environment,
    PORT: String(apiPort),
    ADMIN_PORT: String(adminPort),
  })
  const url = `http://127.0.0.1:${apiPort}`
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const call: LiveGateway['call'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${TEST_KEY}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, body: await answer.json() }
  }
  return {
    url,
    port: apiPort,
    adminUrl,
    process,
    call,
    ask: (part = {}, headers = {}) =>
      call('POST', GENERATIONS, { model: FIRST_MODEL, prompt: 'a lighthouse', ...part }, headers),
    metric: async (name, labels) => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text()
      return total(readSamples(text), name, labels)
    },
    health: async (path) => (await fetch(adminUrl + path)).status,
    kill: async () => {
      process.child.kill('SIGKILL')
      await process.exit
    },
  }
}
