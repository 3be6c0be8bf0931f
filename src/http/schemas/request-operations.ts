import { errorAnswers, jsonAnswer } from './answer-documents.ts'
import { exampleRequestList } from './request-schema.ts'
import { componentOf } from './schema-parts.ts'

/** `GET /v1/requests`, for readers. */
export const listRequestsOperation = {
  tags: ['Requests'],
  operationId: 'listRequests',
  summary: 'What was asked for, newest first',
  description: 'A key sees its own requests; the admin key sees all.',
  response: {
    200: jsonAnswer('A page.', componentOf('RequestList'), { page: exampleRequestList }),
    ...errorAnswers(400),
  },
}

/** `GET /v1/requests/{id}`, for readers. */
export const readRequestOperation = {
  tags: ['Requests'],
  operationId: 'readRequest',
  summary: 'One request, and why it went where it went',
  response: { 200: jsonAnswer('The request.', componentOf('Request')), ...errorAnswers(404) },
}

/** `GET /v1/balance`, for readers. */
export const balanceOperation = {
  tags: ['Requests'],
  operationId: 'readBalance',
  summary: 'What is left of the calling key’s budget',
  response: {
    200: jsonAnswer('The balance.', componentOf('Balance'), {
      prepaid: {
        object: 'balance',
        billing_type: 'prepaid',
        available: { amount: 12.5, currency: 'usd' },
      },
      postpaid: { object: 'balance', billing_type: 'postpaid', available: null },
    }),
  },
}
