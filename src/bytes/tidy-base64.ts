import { setImmediate } from 'node:timers/promises'
import { bytesIn } from './base64-characters.ts'
import { isStandardBase64 } from './is-base64.ts'
import { bufferOf, lengthOf, tailOf } from './pieces.ts'

/** Characters that are looked at before other work gets its turn: half a millisecond. */
const STEP_CHARACTERS = 4 * 1024 * 1024

const PADDING = '='.charCodeAt(0)

/** Cuts characters off the end of a list. */
const cut = (pieces: Uint8Array[], count: number): void => {
  for (let left = count; left > 0; ) {
    const last = pieces.pop()
    if (last === undefined) return
    if (last.length > left) pieces.push(last.subarray(0, last.length - left))
    left -= last.length
  }
}

const cutPadding = (pieces: Uint8Array[]): void => {
  while (pieces.at(-1)?.at(-1) === PADDING || pieces.at(-1)?.length === 0) {
    const last = pieces.at(-1)
    if (last?.length === 0) pieces.pop()
    else cut(pieces, 1)
  }
}

const areClean = async (pieces: readonly Uint8Array[]): Promise<boolean> => {
  let sinceTurn = 0
  for (const piece of pieces) {
    if (!isStandardBase64(bufferOf(piece))) return false
    sinceTurn += piece.length
    if (sinceTurn < STEP_CHARACTERS) continue
    sinceTurn = 0
    await setImmediate()
  }
  return true
}

/**
 * Makes base64 fit to be given to anybody: the standard's alphabet, rightly padded, nothing else. Resolves to the
 * number of bytes that it holds, and changes no more than the end of the list; or to `undefined`, with the list as it
 * may be, when only decoding and encoding it would help.
 */
export const tidyBase64 = async (pieces: Uint8Array[]): Promise<number | undefined> => {
  cutPadding(pieces)
  const characters = lengthOf(pieces)
  if (characters % 4 === 1 || !(await areClean(pieces))) return undefined
  const open = characters % 4
  if (open > 0) {
    // Encoded again, which pads it, and clears bits that belong to no byte.
    const group = Buffer.from(tailOf(pieces, open).toString('latin1'), 'base64')
    cut(pieces, open)
    pieces.push(Buffer.from(group.toString('base64'), 'latin1'))
  }
  return bytesIn(characters)
}
