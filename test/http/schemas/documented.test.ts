import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { Type } from '#src/domain/schema-type.ts'
import { documentedAnswers, documentedOnly } from '#src/http/schemas/documented.ts'

const answer = { known: 1.5, unknown: { deep: [null] } }
const response = { 200: Type.Object({ known: Type.Integer() }) }

describe('a schema of an answer', () => {
  it.each([
    ['documentedAnswers', documentedAnswers],
    ['documentedOnly', documentedOnly],
  ])('changes nothing of it with %s', async (_name, options) => {
    const app = fastify()
    app.get('/', { schema: { response }, ...options }, async () => answer)
    expect((await app.inject('/')).body).toBe(JSON.stringify(answer))
    await app.close()
  })
})

describe('a schema of a request', () => {
  it('refuses nothing and changes nothing of it with documentedOnly', async () => {
    const app = fastify()
    const schema = {
      body: Type.Object({ n: Type.Integer({ default: 1 }) }, { additionalProperties: false }),
      headers: Type.Object({ 'x-needed': Type.String() }),
      querystring: Type.Object({ flag: Type.Boolean({ default: false }) }),
    }
    app.post('/', { schema, ...documentedOnly }, async ({ body, query }) => ({ body, query }))
    const given = { method: 'POST', url: '/?flag=perhaps', body: { n: '2', more: true } } as const
    expect((await app.inject(given)).json()).toEqual({
      body: given.body,
      query: { flag: 'perhaps' },
    })
    await app.close()
  })
})
