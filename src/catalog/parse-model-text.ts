import { LineCounter, parseDocument } from 'yaml'

/** What JSON quotes of a text that it cannot read: a folder named by mistake may hold secrets. */
const QUOTED = /, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s

/** What some editors begin a file with. */
const BYTE_ORDER_MARK = '\uFEFF'

/** What can be said of a text that cannot be read, without quoting it. */
export class ModelTextError extends Error {
  override readonly name = 'ModelTextError'
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ModelTextError((error as Error).message.replace(QUOTED, ' in JSON'))
  }
}

const parseYaml = (text: string): unknown => {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false })
  const [first] = document.errors
  if (first) {
    const { line } = lineCounter.linePos(first.pos[0])
    throw new ModelTextError(`line ${line} cannot be read (${first.code})`)
  }
  try {
    // As the text that JSON would be: an anchor that is used twice makes two values.
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 })) ?? 'null')
  } catch {
    throw new ModelTextError('refers to itself, or too often')
  }
}

const isJson = (name: string): boolean => /\.json$/i.test(name)

/** Names of files that are read. */
const READABLE = /\.(json|ya?ml)$/i

/** The schema may lie beside the files that name it. */
const SCHEMA = /\.schema\.(json|ya?ml)$/i

/** Whether a folder's file is read for a model. Editors leave hidden files. */
export const isModelFileName = (name: string): boolean =>
  READABLE.test(name) && !SCHEMA.test(name) && !name.startsWith('.')

/** What every model file has. */
const PARTS = ['card', 'mappings', 'offerings']

/** Whether the value of such a file is meant for a model. YAML is much else, too: the configuration may lie beside. */
export const isMeantForModel = (name: string, value: unknown): boolean =>
  isJson(name) ||
  (typeof value === 'object' && value !== null && PARTS.some((part) => Object.hasOwn(value, part)))

/** The value of a model file's text, JSON or YAML by the file's name. Throws `ModelTextError`. */
export const parseModelText = (name: string, text: string): unknown => {
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  return isJson(name) ? parseJson(plain) : parseYaml(plain)
}
