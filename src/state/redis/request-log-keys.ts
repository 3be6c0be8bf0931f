import { positionPartOf } from '#src/domain/request-position.ts'

/*
 * Where the request log lies in Redis. Names stand after the prefix; its tag {rq} keeps all in one place of a cluster.
 */

export const REQUEST_LOG_PREFIX = 'gw:{rq}:'

/** Entries of all requests. */
export const ALL_KEY = 'all'
/** Entries of one key's requests; `undefined`: of those that came without one. */
export const keyIndexOf = (keyId: string | undefined): string => `k:${positionPartOf(keyId)}`
/** The record at a position. */
export const recordKeyOf = (position: string): string => `r:${position}`
/** Key id → moment of its latest request with this id; moment, key id and id as in positions. */
export const pointerKeyOf = (idPart: string): string => `n:${idPart}`

/** The parts of a position, as encoded in it. */
export const partsOfPosition = (position: string) => {
  const [moment = '', keyPart = '', idPart = ''] = position.split(' ')
  return { moment, keyPart, idPart }
}

/** All keys of a request, in the order in which the scripts take them. */
export const keysOfPosition = (position: string): [string, string, string, string] => {
  const { keyPart, idPart } = partsOfPosition(position)
  return [recordKeyOf(position), pointerKeyOf(idPart), ALL_KEY, `k:${keyPart}`]
}
