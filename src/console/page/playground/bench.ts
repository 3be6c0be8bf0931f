import type { Estimate, Mode } from '#console/types.ts'
import type { Order, Run } from './generate.ts'
import type { Picture } from './picture.ts'
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

/** Parameters as they would be sent. */
export const parametersOf = ({ prompt, values }: Bench): Readonly<Record<string, unknown>> => ({
  prompt,
  ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)),
})

export const orderOf = (table: Bench, { model, provider }: Lane): Order => ({
  model,
  provider,
  mode: table.mode,
  parameters: parametersOf(table),
  pictures: table.mode === 'image_edit' ? table.pictures : [],
  mask: table.mode === 'image_edit' ? table.mask : undefined,
})

/** Puts what an earlier request asked for on the table again. False: this tab has not sent it. */
export const restore = (table: Bench, requestId: string): boolean => {
  const run = table.runs.find((one) => one.requestId === requestId)
  if (!run) return false
  const { prompt, ...values } = run.order.parameters
  table.prompt = String(prompt ?? '')
  table.values = values
  table.mode = run.order.mode
  table.pictures = run.order.pictures
  table.mask = run.order.mask
  table.lanes.splice(0, table.lanes.length, createLane(run.order.model, run.order.provider))
  return true
}
