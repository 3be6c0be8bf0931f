import { html, nothing, type TemplateResult } from 'lit-html'
import { words } from '#console/formats.ts'
import type { Parameter, ParameterSchema } from '#console/types.ts'

const GROUP_NAMES: Readonly<Record<string, string>> = {
  core: 'Core',
  size_layout: 'Size and layout',
  media_input: 'Pictures',
  output_format: 'Output',
  additional: 'More',
}

/** A parameter with its name. */
export type NamedParameter = readonly [name: string, parameter: Parameter]

/** Parameters by group, in the order of the groups. */
export const groupParameters = (
  schema: ParameterSchema,
): readonly (readonly [group: string, parameters: readonly NamedParameter[]])[] => {
  const byGroup = Map.groupBy(
    Object.entries(schema.properties),
    ([, parameter]) => parameter['x-group'] ?? 'additional',
  )
  const order = Object.keys(GROUP_NAMES)
  return [...byGroup]
    .toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other))
    .map(([group, parameters]) => [GROUP_NAMES[group] ?? words(group), parameters] as const)
}

export const onlyVia = (parameter: Parameter): TemplateResult | typeof nothing => {
  const providers = parameter['x-providers']
  return providers
    ? html`<span class="badge careful">only via ${providers.join(', ')}</span>`
    : nothing
}

const typeOf = ({ type, 'x-kind': kind }: Parameter): string =>
  kind === 'file' ? 'picture' : Array.isArray(type) ? type.join(' or ') : String(type ?? 'any')

const limitsOf = ({ enum: values, minimum, maximum, maxLength, maxItems }: Parameter): string => {
  if (values) return values.map((value) => String(value)).join(', ')
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`
  if (minimum !== undefined) return `from ${minimum}`
  if (maximum !== undefined) return `up to ${maximum}`
  if (maxLength !== undefined) return `up to ${maxLength} characters`
  return maxItems === undefined ? '' : `up to ${maxItems}`
}

const row = ([name, parameter]: NamedParameter, isRequired: boolean): TemplateResult => html`<tr>
  <th scope="row" data-label="Name"><code>${name}</code>${isRequired ? html` <span class="badge careful">required</span>` : nothing} ${onlyVia(parameter)}</th>
  <td data-label="Type">${typeOf(parameter)}</td>
  <td data-label="Values">${limitsOf(parameter)}</td>
  <td data-label="Default">${parameter.default === undefined ? nothing : html`<code>${JSON.stringify(parameter.default)}</code>`}</td>
  <td data-label="Meaning">${parameter.description ?? ''}</td>
</tr>`

/** All parameters of a mode. */
export const parameterTables = (schema: ParameterSchema | undefined): TemplateResult => {
  if (!schema) return html`<p>The model has no such mode.</p>`
  const required = new Set(schema.required ?? [])
  return html`${groupParameters(schema).map(
    ([group, parameters]) => html`<table class="cards parameters">
      <caption>${group}</caption>
      <thead>
        <tr>
          <th scope="col">Name</th><th scope="col">Type</th><th scope="col">Values</th>
          <th scope="col">Default</th><th scope="col">Meaning</th>
        </tr>
      </thead>
      <tbody>${parameters.map((parameter) => row(parameter, required.has(parameter[0])))}</tbody>
    </table>`,
  )}`
}
