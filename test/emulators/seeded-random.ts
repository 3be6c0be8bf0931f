/** A stream of random numbers that is the same for the same seed. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** `length` characters out of a to z and 0 to 9, for ids. */
  text(length: number): string
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** 32-bit FNV-1a hash, to derive seeds from names. */
export const hashText = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** The mulberry32 generator: 32 bits of state are plenty for drawing outcomes and cost nothing. */
export const createSeededRandom = (seed: number): SeededRandom => {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    text: (length) =>
      Array.from({ length }, () => ALPHABET[Math.floor(uniform() * ALPHABET.length)]).join(''),
  }
}
