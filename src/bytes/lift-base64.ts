import { randomUUID } from 'node:crypto'
import { isBase64 } from './is-base64.ts'
import { createGatherer } from './pieces.ts'

/** Keeps long base64 out of the JSON that an SDK is given. */
export interface Base64Lift {
  /** The next bytes of a JSON text, or of several in a stream of events → what of them is passed on. */
  write(chunk: Buffer): readonly Buffer[]
  /** What is passed on last, once no bytes come any more. */
  end(): readonly Buffer[]
  /** The base64 that stood where this text stands now, always the same list; `undefined`: no base64 was lifted there. */
  lifted(text: string): Uint8Array[] | undefined
}

/** Characters from which a string is lifted: shorter ones are cheap where they are. */
const LEAST_CHARACTERS = 8 * 1024

/** What a data URI begins with, and its longest length. Its slashes may be escaped. */
const DATA_URI_HEAD = /^data:[^,"]{0,250};base64,/i
const MAX_HEAD = 300

/** White space behind a string that is waited through, to see whether the string is a name. */
const MAX_SPACES = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const EQUALS = 0x3d
const LETTER_U = 0x75
const SPACES: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d])

const NOTHING = Buffer.alloc(0)

/** Index of the first such byte; the length when there is none. */
const find = (bytes: Buffer, byte: number, from: number): number => {
  const index = bytes.indexOf(byte, from)
  return index === -1 ? bytes.length : index
}

/** What characters of a JSON string stand for, line breaks left out; `undefined`: they are no part of one. */
const unescaped = (characters: Buffer): Buffer | undefined => {
  if (!characters.includes(BACKSLASH)) return characters
  try {
    const text = String(JSON.parse(`"${characters.toString()}"`))
    return Buffer.from(text.includes('\n') ? text.replaceAll(/[\r\n]+/g, '') : text)
  } catch {
    return undefined
  }
}

const withoutPadding = (characters: Buffer): Buffer => {
  let end = characters.length
  while (end > 0 && characters[end - 1] === EQUALS) end -= 1
  return characters.subarray(0, end)
}

/** What a data URI may have in between its base64: escapes as in URIs, the last of them cut off perhaps, and spaces. */
const URI_NOISE = /%(?:2b|2f|3d|0[ad]|20)| |%.?$/gi

const withoutNoise = (characters: Buffer): Buffer =>
  Buffer.from(characters.toString('latin1').replaceAll(URI_NOISE, ''), 'latin1')

/** Index of the base64 in a string, behind the head of a data URI; `undefined`: it holds something else. */
const startOfBase64 = (string: Buffer): number | undefined => {
  const [head = ''] = DATA_URI_HEAD.exec(string.toString('latin1', 0, MAX_HEAD)) ?? []
  const characters = unescaped(string.subarray(head.length))
  if (!characters) return undefined
  const base64 = head === '' ? characters : withoutNoise(characters)
  return isBase64(withoutPadding(base64)) ? head.length : undefined
}

/** Where the scan is: outside of strings, or in one that is not decided on, is left where it is, or is being lifted. */
type Place = 'outside' | 'undecided' | 'left' | 'lifted'

/**
 * Scans by searching for quotation marks and backslashes only, which native code does: over 2 MB of base64 it takes
 * 0.2 ms. Every chunk is searched from a place where no escape is open: one that a chunk ends in is put before
 * the next.
 */
class Lifter implements Base64Lift {
  #place: Place = 'outside'
  /** What the last chunk ended with and belongs to the next. */
  #rest: Buffer = NOTHING
  /** Begin of a string that is not decided on. */
  #undecided: Buffer[] = []
  /** The string that is being lifted. */
  #pieces: Uint8Array[] = []
  #gather = createGatherer(this.#pieces)
  readonly #strings: Uint8Array[][] = []
  readonly #mark = `lifted-${randomUUID()}-`

  #chunk: Buffer = NOTHING
  #passed: Buffer[] = []
  /** From here on the chunk is passed on. */
  #passFrom = 0

  write(chunk: Buffer): readonly Buffer[] {
    this.#chunk = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#passed = []
    this.#passFrom = 0
    let at = 0
    while (at < this.#chunk.length) {
      const next = this.#step(at)
      if (next === at) break
      at = next
    }
    this.#passUpTo(at, at)
    this.#rest = this.#chunk.subarray(at)
    this.#chunk = NOTHING
    return this.#passed
  }

  end(): readonly Buffer[] {
    const isClosed = this.#place === 'lifted' && this.#rest[0] === QUOTE
    return [...this.#undecided, ...(isClosed ? [this.#markPieces()] : []), this.#rest]
  }

  lifted(text: string): Uint8Array[] | undefined {
    return text.startsWith(this.#mark)
      ? this.#strings[Number(text.slice(this.#mark.length))]
      : undefined
  }

  /** Deals with the bytes from an index on; returns the index up to which it has. */
  #step(at: number): number {
    if (this.#place === 'outside') return this.#findString(at)
    const { end, isClosed } = this.#scan(at)
    if (this.#place === 'undecided') return this.#decide(at, end, isClosed)
    if (this.#place === 'lifted') return this.#lift(this.#chunk.subarray(at, end), end, isClosed)
    return isClosed ? this.#leaveString(end) : end
  }

  #findString(at: number): number {
    const quote = find(this.#chunk, QUOTE, at)
    if (quote === this.#chunk.length) return quote
    this.#place = 'undecided'
    return quote + 1
  }

  /** Finds the quotation mark that ends a string. An escape that is not whole waits for what comes next. */
  #scan(from: number): { readonly end: number; readonly isClosed: boolean } {
    const { length } = this.#chunk
    for (let at = from; ; ) {
      const quote = find(this.#chunk, QUOTE, at)
      if (quote === length) return { end: this.#endOfEscapes(from), isClosed: false }
      if (!this.#isEscaped(quote, from)) return { end: quote, isClosed: true }
      at = quote + 1
    }
  }

  /** Whether a character of a string has an escaping backslash before it. */
  #isEscaped(at: number, from: number): boolean {
    let before = at
    while (before > from && this.#chunk[before - 1] === BACKSLASH) before -= 1
    return (at - before) % 2 === 1
  }

  /** The end of the chunk, or where the escape begins that is open there. */
  #endOfEscapes(from: number): number {
    const { length } = this.#chunk
    const last = this.#chunk.lastIndexOf(BACKSLASH)
    if (last < from || this.#isEscaped(last, from)) return length
    const escapeLength = this.#chunk[last + 1] === LETTER_U ? 6 : 2
    return last + escapeLength > length ? last : length
  }

  #decide(at: number, end: number, isClosed: boolean): number {
    const characters = this.#chunk.subarray(at, end)
    const string =
      this.#undecided.length > 0 ? Buffer.concat([...this.#undecided, characters]) : characters
    const isShort = string.length < LEAST_CHARACTERS
    if (isShort && !isClosed) {
      this.#passUpTo(at, end)
      this.#undecided = [string]
      return end
    }
    const start = isShort ? undefined : startOfBase64(string)
    if (start !== undefined) {
      this.#passUpTo(at, end)
      this.#undecided = []
      if (start > 0) this.#passed.push(string.subarray(0, start))
      this.#place = 'lifted'
      this.#pieces = []
      this.#gather = createGatherer(this.#pieces)
      return this.#lift(string.subarray(start), end, isClosed)
    }
    this.#passed.push(...this.#undecided)
    this.#undecided = []
    this.#place = 'left'
    return isClosed ? this.#leaveString(end) : end
  }

  #lift(characters: Buffer, end: number, isClosed: boolean): number {
    this.#passFrom = end
    const piece = unescaped(characters)
    // What cannot be read has to fail where it is read.
    if (piece === undefined) this.#passed.push(characters)
    else if (piece.length > 0) this.#gather(piece)
    if (!isClosed) return end
    let next = end + 1
    while (SPACES.has(this.#chunk[next])) next += 1
    // Whether it is a name is not to be seen yet: the quotation mark is looked at again with the next chunk.
    if (next === this.#chunk.length && next - end < MAX_SPACES) return end
    this.#passed.push(this.#chunk[next] === COLON ? this.#putBack() : this.#markPieces())
    return this.#leaveString(end)
  }

  #leaveString(quote: number): number {
    this.#place = 'outside'
    return quote + 1
  }

  #markPieces(): Buffer {
    return Buffer.from(`${this.#mark}${this.#strings.push(this.#pieces) - 1}`)
  }

  /** A name of that length is nobody's, but what is no value is not touched. */
  #putBack(): Buffer {
    return Buffer.from(JSON.stringify(Buffer.concat(this.#pieces).toString()).slice(1, -1))
  }

  #passUpTo(end: number, next: number): void {
    if (end > this.#passFrom) this.#passed.push(this.#chunk.subarray(this.#passFrom, end))
    this.#passFrom = next
  }
}

/** For the answer to one request: its marks are known to nobody else. */
export const createBase64Lift = (): Base64Lift => new Lifter()
