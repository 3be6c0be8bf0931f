import { hash } from 'node:crypto'
import type { MicroUsd } from './money.ts'

/** What a budget is for; days and months are UTC's. */
export const BUDGET_PERIODS = ['day', 'month', 'total'] as const
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number]

/** What a key may spend. */
export interface KeyBudget {
  readonly limit: MicroUsd
  /** `total`: it never begins anew. */
  readonly period: BudgetPeriod
}

/** How often a key may ask for images. Absent fields: as often as anybody. */
export interface KeyLimits {
  readonly requestsPerMinute?: number
  /** Requests under way at the same time. */
  readonly concurrent?: number
}

/** What may be said of a key, and changed. */
export interface KeyTerms {
  /** For people; absent: it has none. */
  readonly name?: string
  readonly isEnabled: boolean
  /** Wall-clock ms from which it is not taken any more; absent: it stays good. */
  readonly expiresAtMs?: number
  /** Sees the requests of all keys, and manages keys. */
  readonly isAdmin: boolean
  /** Ids or aliases of the models that it may ask for; absent: all. */
  readonly models?: readonly string[]
  readonly limits: KeyLimits
  /** Absent: what it spends is paid for afterwards. */
  readonly budget?: KeyBudget
}

/** A key of the gateway, without the key itself. */
export interface ApiKey extends KeyTerms {
  /** What it is called in logs, records and paths. */
  readonly id: string
  /** SHA-256 of the key, 64 hexadecimal digits. */
  readonly hash: string
  /** Where it was written down: the first two are changed there and nowhere else. */
  readonly source: 'environment' | 'file' | 'api'
  /** Wall-clock ms; absent: not known. */
  readonly createdAtMs?: number
}

/** A change of a key: absent fields stay, null takes away. */
export interface KeyChange {
  readonly name?: string | null
  readonly isEnabled?: boolean
  readonly expiresAtMs?: number | null
  readonly models?: readonly string[] | null
  /** Each of its fields by itself. */
  readonly limits?: { readonly [Limit in keyof KeyLimits]: KeyLimits[Limit] | null }
  readonly budget?: KeyBudget | null
}

/** The key that may do everything: no limit, no budget. */
export const UNLIMITED: KeyTerms = { isEnabled: true, isAdmin: false, limits: {} }

/** SHA-256 of a key as it is held, 64 hexadecimal digits. */
export const hashKey = (key: string): string => hash('sha256', key)

/** Characters of a key's hash that name it: enough to tell keys apart, useless for guessing one. */
const KEY_ID_CHARACTERS = 12

/** What a key is called, by its hash in hexadecimal digits. */
export const keyIdOf = (hash: string): string => `key_${hash.slice(0, KEY_ID_CHARACTERS)}`

/** Without the entries that are null or absent. */
const present = <T extends object>(fields: T): { [Name in keyof T]: NonNullable<T[Name]> } =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  ) as { [Name in keyof T]: NonNullable<T[Name]> }

/** The key after the change. */
export const changeKey = (key: ApiKey, { limits, ...change }: KeyChange): ApiKey =>
  present({ ...key, ...change, limits: present({ ...key.limits, ...limits }) }) as ApiKey
