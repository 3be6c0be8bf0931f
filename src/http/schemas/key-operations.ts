import { errorAnswers, jsonAnswer } from './answer-documents.ts'
import { exampleKey } from './key-schema.ts'
import { componentOf } from './schema-parts.ts'

const answer = (description: string, name: string, example?: object) =>
  jsonAnswer(description, componentOf(name), example ? { key: example } : {})

/** The operations on keys, for readers. All of them need an admin key. */
export const keyOperations = {
  create: {
    tags: ['Keys'],
    operationId: 'createKey',
    summary: 'A new API key, which is shown this once',
    response: {
      201: answer('The key.', 'CreatedApiKey', { ...exampleKey, key: 'fresnel_…' }),
      ...errorAnswers(400),
    },
  },
  list: {
    tags: ['Keys'],
    operationId: 'listKeys',
    summary: 'All API keys',
    response: { 200: answer('The keys.', 'ApiKeyList') },
  },
  read: {
    tags: ['Keys'],
    operationId: 'readKey',
    summary: 'One API key',
    response: { 200: answer('The key.', 'ApiKey', exampleKey), ...errorAnswers(404) },
  },
  change: {
    tags: ['Keys'],
    operationId: 'changeKey',
    summary: 'Changes what a key may do: absent fields stay, null takes away',
    response: {
      200: answer('The key as it is now.', 'ApiKey', exampleKey),
      ...errorAnswers(400, 404, 409),
    },
  },
  remove: {
    tags: ['Keys'],
    operationId: 'deleteKey',
    summary: 'Removes a key',
    response: { 200: answer('It is gone.', 'DeletedApiKey'), ...errorAnswers(400, 404, 409) },
  },
} as const
