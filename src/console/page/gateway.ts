import { readKey } from './session.ts'
import type { ErrorObject } from './types.ts'

/** The gateway that serves this page: the folder above it. */
export const GATEWAY_URL = new URL('..', document.baseURI).href.replace(/\/$/, '')

/** What the gateway answered instead of what was asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** HTTP's; 0: no answer came. */
  readonly status: number
  readonly code: string
  /** The field of the request that is wrong. `undefined`: none, or not known. */
  readonly param: string | undefined
  /** The request's; `undefined`: no answer came, or it is known otherwise. */
  readonly requestId: string | undefined

  constructor(status: number, { message, code, param }: ErrorObject, requestId?: string) {
    super(message)
    this.status = status
    this.code = code ?? 'ERROR'
    this.param = param ?? undefined
    this.requestId = requestId
  }
}

const errorOf = async (answer: Response): Promise<ApiError> => {
  const fallback = {
    message: `The gateway answered ${answer.status}.`,
    code: String(answer.status),
  }
  const body: { error?: ErrorObject } | undefined = await answer.json().catch(() => undefined)
  const requestId = answer.headers.get('x-request-id') ?? undefined
  return new ApiError(answer.status, body?.error ?? fallback, requestId)
}

let onKeyRefused: (error: ApiError) => void = () => undefined

/** Has the page ask for another key when the gateway wants one. */
export const whenKeyIsRefused = (listener: (error: ApiError) => void): void => {
  onKeyRefused = listener
}

/** Calls the gateway with the session's key. Rejects with `ApiError`, or with `AbortError`. */
export const call = async (path: string, options: RequestInit = {}): Promise<Response> => {
  const key = readKey()
  const headers = new Headers(options.headers)
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
  const answer = await fetch(`${GATEWAY_URL}${path}`, { ...options, headers }).catch(
    (error: unknown) => {
      if (options.signal?.aborted) throw error
      throw new ApiError(0, { message: 'The gateway cannot be reached.', code: 'UNREACHABLE' })
    },
  )
  if (answer.ok) return answer
  const error = await errorOf(answer)
  // Another may have been given in the meantime.
  if (error.status === 401 && readKey() === key) onKeyRefused(error)
  throw error
}

export const getJson = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await call(path, signal ? { signal } : {})).json()

/** A model's id in a path: it may contain slashes. */
export const pathOfModel = (id: string): string => id.split('/').map(encodeURIComponent).join('/')
