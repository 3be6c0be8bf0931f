import dns from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { buildConnector } from 'undici'

/** A URL or address that may not be fetched. `message` ends a sentence: "points to an address that is not public". */
export class OutboundRefusal extends Error {
  override readonly name = 'OutboundRefusal'
}

// ipaddr.js calls everything in no special range unicast; IANA gives out global IPv6 addresses only from here, so
// that old embeddings of IPv4 such as ::127.0.0.1 stay out (IANA IPv6 Address Space, read 2026-11).
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3')

/** Whether an IP address is one of the public internet; an IPv4 address inside IPv6 counts as that IPv4 address. */
export const isPublicAddress = (address: string): boolean => {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6)
}

const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '')

const requirePublic = (address: string): void => {
  if (!isPublicAddress(address)) {
    throw new OutboundRefusal('points to an address that is not public')
  }
}

export interface OutboundRules {
  /** Throws `OutboundRefusal` unless the URL may be fetched as far as its text tells. */
  requireAllowedUrl(url: URL): void
  /** Whether the operator lets this host and port be fetched although not public. */
  isExempt(host: string, port: string): boolean
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80')

/**
 * What may be fetched: https on public addresses, never with credentials in the URL. Hosts in `allowedHosts`
 * (`host:port`) are exempt from the first two.
 */
export const createOutboundRules = (allowedHosts: readonly string[]): OutboundRules => {
  const exempt = new Set(allowedHosts.map((host) => host.trim().toLowerCase()))
  const isExempt = (host: string, port: string): boolean =>
    exempt.has(`${host.toLowerCase()}:${port}`)
  const requireAllowedUrl = (url: URL): void => {
    if (url.username || url.password) throw new OutboundRefusal('must not contain credentials')
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      throw new OutboundRefusal('must be an https URL')
    }
    if (isExempt(url.hostname, portOf(url))) return
    if (url.protocol !== 'https:') throw new OutboundRefusal('must be an https URL')
    const host = withoutBrackets(url.hostname)
    if (isIP(host)) requirePublic(host)
  }
  return { requireAllowedUrl, isExempt }
}

/**
 * A DNS look-up that fails when any of the name's addresses is not public. The connection goes to exactly the
 * addresses it returns, so a name cannot change its meaning between check and connection (DNS rebinding).
 */
export const createPublicLookup =
  (lookup: LookupFunction): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error) return callback(error, address, family)
      const found = typeof address === 'string' ? [address] : address.map((each) => each.address)
      try {
        found.forEach(requirePublic)
      } catch (refusal) {
        return callback(refusal as OutboundRefusal, '', 0)
      }
      callback(null, address, family)
    })
  }

/**
 * Opens connections by the rules. This is where they hold for every hop and every new connection; a look-up is not
 * made for an IP literal, so literals are checked here once more.
 */
export const createGuardedConnector = (
  rules: OutboundRules,
  lookup: LookupFunction = dns.lookup,
): buildConnector.connector => {
  // HTTP/2 would bring nothing for single files.
  const connectFreely = buildConnector({ allowH2: false, lookup })
  const connectPublic = buildConnector({ allowH2: false, lookup: createPublicLookup(lookup) })
  return (options, callback) => {
    const port = options.port || (options.protocol === 'https:' ? '443' : '80')
    if (rules.isExempt(options.hostname, port) || rules.isExempt(`[${options.hostname}]`, port)) {
      return connectFreely(options, callback)
    }
    const host = withoutBrackets(options.hostname)
    if (isIP(host) && !isPublicAddress(host)) {
      return callback(new OutboundRefusal('points to an address that is not public'), null)
    }
    return connectPublic(options, callback)
  }
}
