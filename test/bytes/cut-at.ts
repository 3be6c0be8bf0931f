/** The same bytes in pieces, cut at these places. */
export const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const ends = [...places.filter((place) => place < bytes.length), bytes.length]
  ends.sort((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}
