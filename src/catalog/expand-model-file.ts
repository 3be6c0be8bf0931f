import type { MappingRule } from '#src/domain/mapping-rules.ts'
import type { CardParameter, Mode } from '#src/domain/model-card.ts'
import type { WrittenModelFile } from '#src/domain/model-file.ts'
import { COMMON_PARAMETERS, DONE_BY_THE_GATEWAY, EVERY_CARD } from './common-parameters.ts'

/** A part that leaves to another, by name, what it does not say itself. */
interface Extending {
  readonly extends?: string
}

/** Problems of what extends what, by path; the rest of the file is then not looked at. */
export class ExpansionError extends Error {
  override readonly name = 'ExpansionError'
  readonly path: string

  constructor(path: string, problem: string) {
    super(problem)
    this.path = path
  }
}

/** A part and those that it extends, the part itself last. */
const lineOf = <T extends Extending>(
  part: T,
  find: (name: string) => T | undefined,
  path: string,
): readonly T[] => {
  const line: T[] = [part]
  for (let name = part.extends; name !== undefined; ) {
    const ancestor = find(name)
    if (!ancestor) throw new ExpansionError(path, `extends "${name}", which there is none of`)
    if (line.includes(ancestor)) throw new ExpansionError(path, `extends "${name}" in a circle`)
    line.unshift(ancestor)
    name = ancestor.extends
  }
  return line
}

const merged = <T extends Extending>(line: readonly T[]): Omit<T, 'extends'> => {
  const { extends: _, ...rest } = Object.assign({}, ...line) as T
  return rest
}

const PICTURES = ['image', 'mask']

const modesOf = (name: string, modes: readonly Mode[]): Mode[] =>
  PICTURES.includes(name) ? modes.filter((mode) => mode === 'image_edit') : [...modes]

const expandCard = ({ card }: WrittenModelFile): object => {
  const common = EVERY_CARD.filter((name) => !Object.hasOwn(card.parameters, name))
  const parameters: Record<string, Partial<CardParameter>> = {
    ...Object.fromEntries(common.map((name) => [name, {}])),
    ...card.parameters,
  }
  // In the order of the common list, so that every model's page shows them alike; a card's own come last.
  const names = [...Object.keys(COMMON_PARAMETERS), ...Object.keys(parameters)]
  return {
    ...card,
    parameters: Object.fromEntries(
      [...new Set(names)].flatMap((name) => {
        const said = Object.hasOwn(parameters, name) ? parameters[name] : undefined
        if (!said) return []
        const usual = Object.hasOwn(COMMON_PARAMETERS, name) ? COMMON_PARAMETERS[name] : {}
        const isLimited = name === 'prompt' && said.maxLength === undefined
        const longest = isLimited ? { maxLength: card.limits.maxPromptCharacters } : {}
        const most = name === 'image' ? { maxItems: card.limits.maxInputImages } : {}
        return [
          [name, { modes: modesOf(name, card.modes), ...usual, ...longest, ...most, ...said }],
        ]
      }),
    ),
  }
}

const GATEWAY_RULES: Readonly<Record<string, MappingRule>> = Object.fromEntries(
  DONE_BY_THE_GATEWAY.map((name) => [name, { unsupported: 'emulate' }]),
)

const expandMappings = ({ mappings }: WrittenModelFile): object =>
  Object.fromEntries(
    Object.entries(mappings).map(([name, mapping]) => {
      const find = (other: string) => (Object.hasOwn(mappings, other) ? mappings[other] : undefined)
      const line = lineOf(mapping, find, `/mappings/${name}`)
      const rules = Object.assign({}, GATEWAY_RULES, ...line.map((entry) => entry.rules ?? {}))
      return [name, { aspectRatioPixels: {}, ...merged(line), rules }]
    }),
  )

const expandOfferings = ({ offerings }: WrittenModelFile): object[] =>
  offerings.map((offering, index) => {
    const find = (key: string) => offerings.find(({ configKey }) => configKey === key)
    return merged(lineOf(offering, find, `/offerings/${index}`))
  })

/**
 * A model file with everything said that goes without saying: what parameters that many models have are like, what the
 * gateway does itself, and what mappings and offerings take over from others. What is missing then is missing; throws
 * `ExpansionError` when something extends what is not there.
 */
export const expandModelFile = (file: WrittenModelFile): unknown => ({
  card: expandCard(file),
  mappings: expandMappings(file),
  offerings: expandOfferings(file),
})
