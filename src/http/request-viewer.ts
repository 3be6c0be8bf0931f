import type { Catalog } from '#src/catalog/catalog.ts'
import type { ApiKey } from '#src/domain/api-key.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { RequestFilter } from '#src/domain/request-record.ts'

/** Who asks for requests of the log, and so what can be seen. */
export interface Viewer {
  readonly keyId: string | null
  readonly isAdmin: boolean
}

/** `null`: the gateway asks nobody for a key. */
export const viewerOf = (key: ApiKey | null): Viewer => ({
  keyId: key?.id ?? null,
  isAdmin: key?.isAdmin === true,
})

/** Whose requests are shown. `asked`: the key that the viewer names; `undefined`: none. */
export const keyFilterOf = (
  { keyId, isAdmin }: Viewer,
  asked: string | undefined,
): Pick<RequestFilter, 'keyId'> => {
  if (isAdmin) return asked === undefined ? {} : { keyId: asked }
  if (asked === undefined || asked === keyId) return { keyId }
  // An empty list would say that the other key has sent nothing.
  throw invalidRequest('key_id must be your own key: only the admin key sees others.', 'key_id')
}

/** The model's canonical id; what is no model's name is what a client may have asked for in vain. */
export const loggedModelOf = (catalog: Catalog, name: string): string => {
  try {
    return catalog.resolve(name).model.card.id
  } catch (error) {
    if (error instanceof GatewayError) return name
    throw error
  }
}
