import { describe, expect, it } from 'vitest'
import { sessionIdOf, traceIdOf } from '#src/http/request-origin.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

describe('the session of a request', () => {
  it.each(['s', 'my session 1', 'x'.repeat(128)])('is what the client calls it: %s', (session) => {
    expect(sessionIdOf({ 'x-session-id': session })).toBe(session)
  })

  it.each(['', ' ', 'x'.repeat(129), 'a\u0007b', 'ü', ' a', 'a\n'])(
    'is none when it is not fit for a log: %j',
    (session) => {
      expect(sessionIdOf({ 'x-session-id': session })).toBeUndefined()
    },
  )

  it('is none when it is named twice, or not at all', () => {
    expect(sessionIdOf({ 'x-session-id': ['a', 'b'] })).toBeUndefined()
    expect(sessionIdOf({})).toBeUndefined()
  })
})

describe('the trace of a request', () => {
  it.each([
    `00-${TRACE}-${PARENT}-01`,
    ` 00-${TRACE}-${PARENT}-00 `,
    `01-${TRACE}-${PARENT}-01-more`,
  ])('is that of a valid traceparent: %s', (traceparent) => {
    expect(traceIdOf({ traceparent })).toBe(TRACE)
  })

  it.each([
    '',
    TRACE,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE}-${PARENT}-01-more`,
    `01-${TRACE}-${PARENT}-01more`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${PARENT}-01\n`,
  ])('is none of an invalid one: %j', (traceparent) => {
    expect(traceIdOf({ traceparent: traceparent.replace('\n', 'x') })).toBeUndefined()
  })
})
