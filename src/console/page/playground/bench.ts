import type { Estimate, Mode, ParameterSchema } from '#console/types.ts'
import type { Order, Run } from './generate.ts'
import { createPicture, type Picture } from './picture.ts'
import type { Values } from './schema-form.ts'

/** A model, perhaps at one provider, that the prompt goes to. */
export interface Lane {
  model: string
  /** Empty: the gateway chooses. */
  provider: string
  estimate: Estimate | undefined
  /** Why there is none, in the gateway's words. */
  problem: string | undefined
}

export const createLane = (model: string, provider = ''): Lane => ({
  model,
  provider,
  estimate: undefined,
  problem: undefined,
})

/** Everything that lies on the playground's table; it stays when the reader looks elsewhere. */
export interface Bench {
  mode: Mode
  prompt: string
  values: Values
  pictures: readonly Picture[]
  mask: Picture | undefined
  /** The first's model is the one whose parameters are shown. */
  readonly lanes: Lane[]
  /** Latest first. */
  runs: readonly Run[]
}

export const bench: Bench = {
  mode: 'text_to_image',
  prompt: '',
  values: {},
  pictures: [],
  mask: undefined,
  lanes: [],
  runs: [],
}

/** Whether the form shows that the value was chosen: what was set for another model stays, but is not sent. */
const isShown = (schema: ParameterSchema, name: string, value: unknown): boolean => {
  const parameter = schema.properties[name]
  return parameter !== undefined && (parameter.enum?.includes(value) ?? true)
}

/** Parameters as they would be sent. `schema`: of the form; `undefined`: it is not there yet. */
export const parametersOf = (
  { prompt, values }: Bench,
  schema: ParameterSchema | undefined,
): Readonly<Record<string, unknown>> => {
  const chosen = Object.entries(values).filter(
    ([name, value]) => value !== undefined && (!schema || isShown(schema, name, value)),
  )
  return { prompt, ...Object.fromEntries(chosen) }
}

export const orderOf = (
  table: Bench,
  { model, provider }: Lane,
  schema: ParameterSchema | undefined,
): Order => ({
  model,
  provider,
  mode: table.mode,
  parameters: parametersOf(table, schema),
  pictures: table.mode === 'image_edit' ? table.pictures : [],
  mask: table.mode === 'image_edit' && schema?.properties['mask'] ? table.mask : undefined,
})

/** A picture of its own, so that taking it off the table leaves others whole. */
export const copyOf = ({ blob, name }: Picture): Picture => createPicture(blob, name)

/** Puts what an earlier request asked for on the table again. False: this tab has not sent it. */
export const restore = (table: Bench, requestId: string): boolean => {
  const run = table.runs.find((one) => one.requestId === requestId)
  if (!run) return false
  const { prompt, ...values } = run.order.parameters
  table.prompt = String(prompt ?? '')
  table.values = values
  table.mode = run.order.mode
  table.pictures = run.order.pictures.map(copyOf)
  table.mask = run.order.mask && copyOf(run.order.mask)
  table.lanes.splice(0, table.lanes.length, createLane(run.order.model, run.order.provider))
  return true
}
