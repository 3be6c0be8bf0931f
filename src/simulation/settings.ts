import { closest } from 'fastest-levenshtein'
import { SORTS } from '#src/domain/image-request.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { isKnob, POLICY_RANGES, withKnob } from '#src/routing/policy-ranges.ts'
import type { GatewaySettings } from './gateways.ts'
import { DEADLINE_MS } from './scenario.ts'

export const DEFAULT_SETTINGS: GatewaySettings = {
  policy: DEFAULT_ROUTING_POLICY,
  preferences: {},
}

const nameError = (name: string): Error => {
  if (Object.hasOwn(DEFAULT_ROUTING_POLICY, name)) {
    return new Error(`${name} cannot be set here: it is not one number`)
  }
  const nearest = closest(name, ['sort', ...Object.keys(POLICY_RANGES)])
  return new Error(
    `"${name}" is no setting; did you mean ${nearest}? Allowed: sort and the knobs in src/routing/README.md`,
  )
}

/** The settings with one `name=value` put in: a knob of `RoutingPolicy`, or `sort`. Throws for anything else. */
export const withSetting = (settings: GatewaySettings, assignment: string): GatewaySettings => {
  const [name = '', ...rest] = assignment.split('=')
  const text = rest.join('=')
  if (name === 'sort') {
    const sort = SORTS.find((entry) => entry === text)
    if (!sort) throw new Error(`sort "${text}" is unknown; allowed: ${SORTS.join(', ')}`)
    return { ...settings, preferences: { ...settings.preferences, sort } }
  }
  if (!isKnob(name)) throw nameError(name)
  return { ...settings, policy: withKnob(settings.policy, name, text, DEADLINE_MS) }
}
