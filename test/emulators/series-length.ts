import { hashText } from './seeded-random.ts'

/**
 * How many pictures a model makes of a prompt that it may make a series of: between one and `most`, as it likes. The same
 * prompt has the same number, and no more can be relied on.
 */
export const seriesLength = (prompt: string, most: number): number =>
  1 + (hashText(prompt) % Math.max(1, most))
