/*
 * Chance as a function of what it is for, not of the order in which it is asked: every policy meets the same luck, so
 * that the difference between two of them is theirs.
 */

/** What a coin is flipped for. */
export const COIN = {
  gap: 1,
  replica: 2,
  refused: 3,
  success: 4,
  kind: 5,
  latencyRadius: 6,
  latencyAngle: 7,
  quickFailure: 8,
  policy: 9,
  world: 10,
  tier: 11,
} as const
export type CoinPurpose = (typeof COIN)[keyof typeof COIN]

/** One round of MurmurHash3's 32-bit mixing (A. Appleby, 2011, public domain). */
const mix = (hash: number, value: number): number => {
  let word = Math.imul(value | 0, 0xcc9e2d51)
  word = Math.imul((word << 15) | (word >>> 17), 0x1b873593)
  const mixed = hash ^ word
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

const finish = (hash: number): number => {
  let word = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}

/** Uniform in (0, 1), the same for the same arguments. */
export const flip = (
  seed: number,
  request: number,
  provider: number,
  attempt: number,
  purpose: CoinPurpose,
): number =>
  (finish(mix(mix(mix(mix(mix(0, seed), request), provider), attempt), purpose)) + 0.5) / 2 ** 32

/** A standard normal deviate from two uniform ones (Box and Muller). */
export const normalOf = (radius: number, angle: number): number =>
  Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle)

/** A stream of uniform numbers, for what has no name of its own. */
export const streamOf = (seed: number, stream: number, purpose: CoinPurpose): (() => number) => {
  let index = 0
  return () => flip(seed, index++, stream, 0, purpose)
}
