/*
 * Where keys, their limits and what they spend lie in Redis. What belongs to one key shares a tag: a cluster spreads
 * keys. Times are real, whatever the time scale.
 */

/** What the connection puts before each name. */
export const KEYS_PREFIX = 'gw:'

/** All keys: id → record, and `#` → a word that is another one after each change. */
export const ALL_KEYS = '{keys}:all'
export const VERSION_FIELD = '#'

/** Requests of the present minute. */
export const minuteKey = (keyId: string): string => `{key:${keyId}}:rpm`

/** Requests under way, by the end of their lease. */
export const slotsKey = (keyId: string): string => `{key:${keyId}}:slots`

/** What was spent and is held in a period, what is held by its expiry, and what was booked. */
export const spendKeys = (keyId: string, period: string): [string, string, string] => {
  const name = `{key:${keyId}}:$${period}`
  return [name, `${name}:held`, `${name}:done`]
}
