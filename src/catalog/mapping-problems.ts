import type { MappingRule, ParameterMapping, ToRule } from '#src/domain/mapping-rules.ts'
import { parsePixelSize } from '#src/domain/media.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import { isReadBy } from './codecs.ts'
import { conditionProblems } from './conditions.ts'
import { isSizeRule } from './joined-size.ts'
import { isToRule } from './mapping-draft.ts'

const isExcluding = (rule: MappingRule): boolean =>
  'unsupported' in rule && rule.unsupported === 'exclude'

const optionsOf = ({ values = [] }: ToRule): readonly string[] =>
  Array.isArray(values) ? values : Object.keys(values)

/** Values that a rule's codec cannot compare would never be chosen, and what was asked would be lost. */
const codecProblems = (rule: MappingRule, path: string): string[] => {
  if (!isToRule(rule) || rule.codec === undefined || rule.codec === 'free_size') return []
  const { codec } = rule
  const options = optionsOf(rule)
  const reads = (value: string): boolean =>
    codec === 'nearest_size' ? parsePixelSize(value) !== undefined : isReadBy(codec, value)
  const example = codec === 'nearest_size' ? ', such as "1024x1024"' : ''
  return [
    ...(options.length > 0 ? [] : [`${path} of ${codec} must have "values"${example}`]),
    ...options
      .filter((value) => !reads(value))
      .map((value) => `${path}/values has "${value}", which ${codec} cannot compare`),
  ]
}

/** What pixel sizes are made from, and that something makes them. */
const joinProblems = ({ rules }: ParameterMapping, path: string): string[] =>
  Object.entries(rules)
    .filter(([, rule]) => 'join' in rule && !isSizeRule(rules['size']))
    .map(([name]) => `${path}/${name} joins size, whose codec must make pixels`)

const fieldsOf = (rule: MappingRule): readonly string[] => {
  if (!('to' in rule)) return []
  if (!isToRule(rule)) return [rule.to]
  const { to, heightTo, besides = {}, ofInput = {} } = rule
  return [to, ...(heightTo ? [heightTo] : []), ...Object.keys(besides), ...Object.keys(ofInput)]
}

/** Names that reach into what all objects share, and list places that no provider has. */
const UNSAFE_PART = /^(__proto__|constructor|prototype|\d{3,})$/

/** Paths that cannot be set, whatever is asked: each would fail requests that are right. */
const pathProblems = ({ rules }: ParameterMapping, path: string): string[] => {
  const entries = Object.entries(rules).flatMap(([name, rule]) =>
    fieldsOf(rule).map((field) => ({ name, field })),
  )
  // Searching has rules that meet in one object; a field that is a text or a number has no room for others.
  const plain = entries.filter(({ name }) => ['prompt', 'seed', 'n'].includes(name))
  return [
    ...entries
      .filter(({ field }) => field.split('.').some((part) => UNSAFE_PART.test(part)))
      .map(({ name, field }) => `${path}/${name}/to "${field}" is no field that can be set`),
    ...entries.flatMap(({ name, field }) =>
      plain
        .filter((other) => field.startsWith(`${other.field}.`))
        .map(
          (other) => `${path}/${name}/to "${field}" lies within "${other.field}" of ${other.name}`,
        ),
    ),
  ]
}

/** A prompt and pictures have rules that cannot lose them. */
const lossProblems = (
  { card, offerings }: ModelFile,
  [name, { rules }]: readonly [string, ParameterMapping],
  path: string,
): string[] => {
  const edits = offerings.filter(
    ({ mapping, modes }) => mapping === name && modes.includes('image_edit'),
  )
  const { prompt, image, mask } = rules
  const declaresImage = Object.hasOwn(card.parameters, 'image')
  return [
    ...(prompt === undefined || isToRule(prompt) ? [] : [`${path}/prompt must have "to"`]),
    ...(edits.length > 0 && declaresImage && image !== undefined && !isToRule(image)
      ? [`${path}/image must have "to", as ${edits[0]?.configKey} edits images`]
      : []),
    ...(mask === undefined || 'to' in mask || isExcluding(mask)
      ? []
      : [`${path}/mask must have "to" or "unsupported": "exclude"`]),
  ]
}

const countProblems = ({ rules: { n } }: ParameterMapping, path: string): string[] =>
  n && isToRule(n) && n.maximum !== undefined && n.maximum < 1
    ? [`${path}/n/maximum must be at least 1`]
    : []

/** What a schema cannot say of mappings: every parameter has a rule in each, none is lost, and all can be set. */
export const mappingProblems = (file: ModelFile): string[] => {
  const { card, mappings, offerings } = file
  const editor = offerings.find(({ modes }) => modes.includes('image_edit'))
  return [
    ...(editor && !Object.hasOwn(card.parameters, 'image')
      ? [`/card/parameters lacks "image", which ${editor.configKey} edits`]
      : []),
    ...Object.entries(mappings).flatMap(([name, mapping]) => {
      const path = `/mappings/${name}/rules`
      return [
        ...Object.keys(card.parameters)
          .filter((parameter) => !Object.hasOwn(mapping.rules, parameter))
          .map((parameter) => `${path} lacks "${parameter}"`),
        ...lossProblems(file, [name, mapping], path),
        ...joinProblems(mapping, path),
        ...pathProblems(mapping, path),
        ...countProblems(mapping, path),
        ...(mapping.onlyFor ?? []).flatMap((condition, index) =>
          conditionProblems(card, condition, `/mappings/${name}/onlyFor/${index}`),
        ),
        ...Object.entries(mapping.rules).flatMap(([rule, said]) =>
          codecProblems(said, `${path}/${rule}`),
        ),
      ]
    }),
  ]
}
