import { SORTS } from '#src/domain/image-request.ts'
import { DEFAULT_ROUTING_POLICY, type RoutingPolicy } from '#src/routing/policy.ts'
import type { GatewaySettings } from './gateways.ts'

export const DEFAULT_SETTINGS: GatewaySettings = {
  policy: DEFAULT_ROUTING_POLICY,
  preferences: {},
}

/** The tunables that are words. */
const WORDS: Partial<Record<keyof RoutingPolicy, readonly string[]>> = {
  probe: ['duplicate', 'live', 'off'],
  ambiguous: ['retry', 'stop'],
  moderationFailover: ['off', 'one_other'],
}

const policyValue = (name: keyof RoutingPolicy, text: string): number | string => {
  const words = WORDS[name]
  if (words) {
    if (words.includes(text)) return text
    throw new Error(`${name} "${text}" is unknown; allowed: ${words.join(', ')}`)
  }
  if (typeof DEFAULT_ROUTING_POLICY[name] !== 'number') {
    throw new Error(`${name} cannot be set here: it is not one number`)
  }
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new Error(`${name} must be a number`)
  return value
}

/** The settings with one `name=value` put in: a tunable of `RoutingPolicy`, or `sort`. Throws for anything else. */
export const withSetting = (settings: GatewaySettings, assignment: string): GatewaySettings => {
  const [name = '', ...rest] = assignment.split('=')
  const text = rest.join('=')
  if (name === 'sort') {
    const sort = SORTS.find((entry) => entry === text)
    if (!sort) throw new Error(`sort "${text}" is unknown; allowed: ${SORTS.join(', ')}`)
    return { ...settings, preferences: { ...settings.preferences, sort } }
  }
  if (!Object.hasOwn(DEFAULT_ROUTING_POLICY, name)) {
    throw new Error(`"${name}" is no setting; allowed: sort and the fields of RoutingPolicy`)
  }
  const value = policyValue(name as keyof RoutingPolicy, text)
  return { ...settings, policy: { ...settings.policy, [name]: value } }
}
