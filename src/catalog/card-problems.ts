import type { ModelFile } from '#src/domain/model-file.ts'

/** Parameters that are pictures: the gateway reads no others from a request. */
const PICTURES = ['image', 'mask']

const pictureProblems = ({ card }: ModelFile): string[] =>
  Object.entries(card.parameters)
    .filter(([name, { type }]) => (type === 'file') !== PICTURES.includes(name))
    .map(([name]) =>
      PICTURES.includes(name)
        ? `/card/parameters/${name}/type must be "file"`
        : `/card/parameters/${name}/type is "file", which only ${PICTURES.join(' and ')} can be`,
    )

/** Requests are checked by these patterns, in the flavour of JSON Schema. */
const patternProblems = ({ card }: ModelFile): string[] =>
  Object.entries(card.parameters).flatMap(([name, { pattern }]) => {
    try {
      new RegExp(pattern ?? '', 'u')
      return []
    } catch {
      return [`/card/parameters/${name}/pattern is no regular expression`]
    }
  })

/** Fields that hold a range together: nothing lies in one whose ends are the wrong way round. */
const ENDS = [
  ['minimum', 'maximum'],
  ['minLength', 'maxLength'],
  ['minItems', 'maxItems'],
  ['minSide', 'maxSide'],
  ['minPixels', 'maxPixels'],
] as const

const endProblems = (part: Readonly<Record<string, unknown>>, path: string): string[] =>
  ENDS.flatMap(([least, most]) => {
    const [from, to] = [part[least], part[most]]
    return typeof from === 'number' && typeof to === 'number' && from > to
      ? [`${path}/${least} ${from} is greater than ${most} ${to}`]
      : []
  })

const rangeProblems = ({ card, mappings }: ModelFile): string[] => [
  ...Object.entries(card.parameters).flatMap(([name, parameter]) =>
    endProblems(parameter, `/card/parameters/${name}`),
  ),
  ...Object.entries(mappings).flatMap(([mapping, { rules }]) =>
    Object.entries(rules).flatMap(([name, rule]) => {
      const path = `/mappings/${mapping}/rules/${name}`
      if (!('bounds' in rule || 'within' in rule)) return []
      const [least = 0, most = least] = rule.within ?? []
      return [
        ...endProblems(rule.bounds ?? {}, `${path}/bounds`),
        ...(least > most ? [`${path}/within begins with ${least}, and ends with ${most}`] : []),
      ]
    }),
  ),
]

/** What a schema cannot say of parameters: what is a picture, patterns that can be read, ranges with something in them. */
export const cardProblems = (file: ModelFile): string[] => [
  ...pictureProblems(file),
  ...patternProblems(file),
  ...rangeProblems(file),
]
