import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { groupParameters, type NamedParameter, onlyVia } from '#console/parts/parameter-tables.ts'
import { typed } from '#console/parts/typed.ts'
import type { Parameter, ParameterSchema } from '#console/types.ts'

/** What was chosen, by the parameter's name. What is absent is not sent. */
export type Values = Readonly<Record<string, unknown>>

/** What the playground does by itself, or asks for in a place of its own. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'model',
  'prompt',
  'image',
  'mask',
  'provider',
  'stream',
  'response_format',
  'webhook_url',
])

const isShown = ([name, { type }]: NamedParameter): boolean =>
  !ELSEWHERE.has(name) && type !== 'object' && type !== 'array'

const isNumber = ({ type }: Parameter): boolean => type === 'integer' || type === 'number'

/** What a field holds, as the parameter's type has it; `undefined`: nothing was chosen. */
const readValue = (text: string, parameter: Parameter): unknown => {
  if (text === '') return undefined
  if (isNumber(parameter)) return Number(text)
  if (parameter.type === 'boolean') return text === 'true'
  return parameter.enum?.find((value) => String(value) === text) ?? text
}

const choices = (parameter: Parameter): readonly string[] | undefined =>
  parameter.type === 'boolean' ? ['true', 'false'] : parameter.enum?.map(String)

const field = (
  [name, parameter]: NamedParameter,
  value: unknown,
  change: (value: unknown) => void,
): TemplateResult => {
  const take = (event: Event): void =>
    change(
      readValue((event.currentTarget as HTMLInputElement | HTMLSelectElement).value, parameter),
    )
  const text = value === undefined ? '' : String(value)
  const options = choices(parameter)
  const id = `field-${name}`
  const preset = parameter.default === undefined ? 'not set' : `${parameter.default}`
  const input = options
    ? html`<select id=${id} aria-describedby="${id}-help" @change=${take}>
        <option value="" .selected=${live(text === '')}>${preset}</option>
        ${options.map((option) => html`<option value=${option} .selected=${live(option === text)}>${option}</option>`)}
      </select>`
    : html`<input id=${id} aria-describedby="${id}-help" type=${isNumber(parameter) ? 'number' : 'text'} placeholder=${preset}
        min=${parameter.minimum ?? nothing} max=${parameter.maximum ?? nothing} step=${parameter.type === 'integer' ? 1 : 'any'}
        .value=${typed(text, (shown) => readValue(shown, parameter) === value)} @input=${take}>`
  return html`<div class="field">
    <label for=${id}>${name} ${onlyVia(parameter)}</label>
    ${input}
    <small id="${id}-help">${parameter.description ?? ''}</small>
  </div>`
}

/** A form for all parameters of a mode, by group, made from its compiled schema. */
export const schemaForm = (
  schema: ParameterSchema,
  values: Values,
  change: (name: string, value: unknown) => void,
): TemplateResult =>
  html`${groupParameters(schema)
    .map(([group, parameters]) => [group, parameters.filter(isShown)] as const)
    .filter(([, parameters]) => parameters.length > 0)
    .map(
      ([group, parameters], index) => html`<details ?open=${index < 2} class="fields">
      <summary>${group}</summary>
      <div class="field-grid">
        ${parameters.map((parameter) => field(parameter, values[parameter[0]], (value) => change(parameter[0], value)))}
      </div>
    </details>`,
    )}`
