import type { Static } from 'typebox'
import { invalidRequest } from '#src/domain/errors.ts'
import { isPosition } from '#src/domain/request-position.ts'
import type { RequestFilter, RequestPage, RequestRecord } from '#src/domain/request-record.ts'
import { Type } from '#src/domain/schema-type.ts'
import { readTime } from './read-time.ts'

const STATUSES: RequestRecord['status'][] = [
  'completed',
  'pending',
  'upstream_failure',
  'rejected',
  'cancelled',
]

const text = (description: string) => Type.Optional(Type.String({ maxLength: 4_096, description }))

export const RequestListQuerySchema = Type.Object({
  limit: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 20,
    description: 'Most requests of a page.',
  }),
  starting_after: text('Id of a request: the page has those that came before it, newest first.'),
  ending_before: text('Id of a request: the page has those that came next after it, newest first.'),
  created_after: text('Time, ISO 8601 or unix seconds: only those that came then or later.'),
  created_before: text('Time, ISO 8601 or unix seconds: only those that came earlier.'),
  status: Type.Optional(
    Type.Unsafe<RequestRecord['status']>({
      type: 'string',
      enum: STATUSES,
      description: 'Only those that stand so.',
    }),
  ),
  model: text('Id or alias of a model: only those for it.'),
  key_id: text('Only those that came with this key; the admin key can name any.'),
  summary: text('true: adds the total cost and the count of all that match, on whichever page.'),
})
export type RequestListQuery = Static<typeof RequestListQuerySchema>

/** Cursors in page URLs; no request id begins so. */
const CURSOR_MARK = '~'

export const cursorOf = (position: string): string =>
  CURSOR_MARK + Buffer.from(position).toString('base64url')

/** The position that a cursor holds; `undefined`: it is the id of a request. */
export const readCursor = (value: string, param: string): string | undefined => {
  if (!value.startsWith(CURSOR_MARK)) return undefined
  const position = Buffer.from(value.slice(CURSOR_MARK.length), 'base64url').toString('latin1')
  if (isPosition(position)) return position
  throw invalidRequest(
    `${param} must be the id of a request, or come from next_page_url or previous_page_url.`,
    param,
  )
}

/** The filter of times and states. Throws the 400 that names what cannot be read. */
export const readFilter = ({
  status,
  created_after: after,
  created_before: before,
}: RequestListQuery): RequestFilter => ({
  ...(status && { status }),
  ...(after !== undefined && { createdFromMs: readTime(after, 'created_after') }),
  ...(before !== undefined && { createdBeforeMs: readTime(before, 'created_before') }),
})

/** Where the pages on either side are, with everything that was asked for. */
export const pageUrlsOf = (path: string, query: RequestListQuery, page: RequestPage) => {
  const { starting_after: _after, ending_before: _before, ...kept } = query
  const urlOf = (cursor: Readonly<Record<string, string>>): string => {
    const asked = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...kept, ...cursor })) {
      if (name in RequestListQuerySchema.properties) asked.set(name, String(value))
    }
    return `${path}?${asked}`
  }
  const { older, newer } = page
  return {
    next_page_url: older === undefined ? null : urlOf({ starting_after: cursorOf(older) }),
    previous_page_url: newer === undefined ? null : urlOf({ ending_before: cursorOf(newer) }),
  }
}
