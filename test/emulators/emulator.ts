import type { Scenario } from './scenario.ts'

/** The four emulated providers. */
export const EMULATED_PROVIDERS = ['gemini', 'vertex', 'fal', 'replicate'] as const
export type ProviderId = (typeof EMULATED_PROVIDERS)[number]

/** The only credentials that the emulators accept (besides tokens that Vertex's token endpoint issued). */
export const EMULATOR_KEYS: Readonly<Record<ProviderId, string>> = {
  gemini: 'emulated-gemini-key',
  vertex: 'emulated-vertex-key',
  fal: 'emulated-fal-id:emulated-fal-secret',
  replicate: 'r8_emulatedReplicateToken',
}

/** A static OAuth bearer that the Vertex emulator accepts, for tests that bring their own auth client. */
export const EMULATED_VERTEX_BEARER = 'ya29.emulated-vertex-bearer'

/**
 * What a call was for:
 * - `create`: starts billable work
 * - `poll`: asks for the state of a job
 * - `result`: fetches a finished job's answer (fal only; Replicate's poll carries it)
 * - `cancel`: ends a job
 * - `upload`: hands over an input file
 * - `file`: downloads an output
 * - `token`: exchanges a service account's assertion
 * - `other`: anything else, unknown paths included
 */
export type CallKind =
  | 'create'
  | 'poll'
  | 'result'
  | 'cancel'
  | 'upload'
  | 'file'
  | 'token'
  | 'other'

/** One HTTP request as it arrived; recorded also when it was refused or never answered. */
export interface RecordedCall {
  readonly kind: CallKind
  readonly method: string
  /** Path with its query, as on the request line. */
  readonly path: string
  /** Names in lower case; repeated ones joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON; `undefined` when the body was empty or no JSON. */
  readonly body: unknown
  /** Arrival, in milliseconds since the Unix epoch. */
  readonly at: number
  /** Status that was answered; absent: not answered, or not yet. */
  status?: number
  /** The job that the call made or concerned; absent: none. */
  jobId?: string
}

/** One emulated provider, listening on a port of its own. */
export interface Emulator {
  readonly id: ProviderId
  /** Origin such as `http://127.0.0.1:8101`, without a path and a slash at the end. */
  readonly url: string
  /** Replaces the whole scenario; jobs already begun keep theirs. Throws on a fault that the provider cannot have. */
  setScenario(scenario: Scenario): void
  /** In the order of arrival. Only the latest are kept: at most 10,000 calls and 256 MB of bodies. */
  readonly calls: readonly RecordedCall[]
  /** All calls of that kind since the start or `clearCalls`, those no longer kept included. */
  count(kind: CallKind): number
  /** Forgets the calls and the jobs that are left running. */
  clearCalls(): void
  /**
   * Jobs (fal, Replicate) that were begun and then neither cancelled nor asked about until their end was told: what
   * a gateway has lost sight of and pays for all the same. Those are counted too that have ended by now.
   */
  jobsLeftRunning(): number
  /** Ends the server and every open connection at once. */
  close(): Promise<void>
}

/** A credential file of a Google service account. */
export interface ServiceAccountFile {
  readonly type: 'service_account'
  readonly project_id: string
  readonly private_key_id: string
  /** RSA private key, PEM. */
  readonly private_key: string
  readonly client_email: string
  readonly client_id: string
  /** The Vertex emulator's own token endpoint. */
  readonly token_uri: string
}

/** The started emulators. Reading one that `only` left out throws. */
export interface Emulators {
  readonly gemini: Emulator
  readonly vertex: Emulator
  readonly fal: Emulator
  readonly replicate: Emulator
  /** Settings for a gateway that is to use them; only of the started ones. */
  readonly environment: Readonly<Record<string, string>>
  /** A service account that the Vertex emulator knows; the same at each call. */
  vertexServiceAccount(): ServiceAccountFile
  close(): Promise<void>
}

export interface EmulatorOptions {
  /** Divides every duration, those in request headers too (`Prefer: wait=60` at 100 holds 0.6 s). Absent: 1. */
  readonly timeScale?: number
  /** Start of the random numbers: equal seeds and equal sequences of requests give equal outcomes. Absent: 1. */
  readonly seed?: number
  /** Address to listen on. Absent: 127.0.0.1. */
  readonly host?: string
  /** Absent ones are chosen by the system. */
  readonly ports?: Partial<Record<ProviderId, number>>
  /** Host name that URLs are written with. Absent: `host`. */
  readonly publicHost?: string
  /** The ones to start. Absent: all four. */
  readonly only?: readonly ProviderId[]
  /** Pictures of the right size and format that show nothing, and so cost nothing to make. Absent: they show the prompt. */
  readonly plainPictures?: boolean
}
