import type { KeyBudget } from '#src/domain/api-key.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { type MicroUsd, usdFromMicroUsd } from '#src/domain/money.ts'
import { accountOf, type SpendAccount, type SpendLedger } from '#src/domain/spending.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { priceAt } from './estimate-request.ts'
import type { RequestPlan } from './plan-request.ts'

/** What keys may spend, and have spent. */
export interface Budgets {
  /** As it is now; `undefined`: the key has none. */
  readonly budgetOf: (keyId: string) => KeyBudget | undefined
  readonly ledger: SpendLedger
}

/** How long a request may outlast its deadline until it is booked, in ms: to be taken over, or to be cancelled. */
const GRACE_MS = 120_000

type Moment = Pick<DecisionTrace, 'createdAtMs' | 'nonce'>

/** The same for whichever process brings the request to its end. */
const spendIdOf = ({ createdAtMs, nonce }: Moment): string => `${createdAtMs.toString(36)}${nonce}`

/** What the request costs if the dearest of its candidates serves it at the first try. */
export const dearestPrice = (
  { candidates, count }: RequestPlan,
  request: ImageRequest,
): MicroUsd => {
  const prices = candidates.map((candidate) => priceAt(candidate, count, request).total)
  const [first = 0, second = 0] = prices.toSorted((one, other) => other - one)
  // Then two may work on it side by side, and whoever is slower is paid, too.
  return request.routing.hedge === 'billed' ? first + second : first
}

const dollars = (amount: MicroUsd): string => `$${usdFromMicroUsd(amount)}`

const PERIODS: Readonly<Record<KeyBudget['period'], string>> = {
  day: ' for today (UTC)',
  month: ' for this month (UTC)',
  total: '',
}

const tooExpensive = (
  required: MicroUsd,
  available: MicroUsd,
  { period }: KeyBudget,
): GatewayError =>
  new GatewayError(
    'INSUFFICIENT_BALANCE',
    `The request may cost up to ${dollars(required)}, and ${dollars(Math.max(0, available))} is available of the key's budget${PERIODS[period]}.`,
  )

interface Charged {
  readonly request: ImageRequest
  readonly trace: DecisionTrace
}

/** Sets aside what the request may cost. Rejects with `INSUFFICIENT_BALANCE` when its key has less left. */
export const reserveCost = async (
  budgets: Budgets | undefined,
  { request, trace }: Charged,
  plan: RequestPlan,
): Promise<void> => {
  const { keyId, timeoutMs } = request
  const budget = keyId === undefined ? undefined : budgets?.budgetOf(keyId)
  if (!budgets || keyId === undefined || !budget) return
  const account = accountOf(keyId, budget, trace.createdAtMs)
  const amount = dearestPrice(plan, request)
  const reservation = { id: spendIdOf(trace), amount, lifetimeMs: timeoutMs + GRACE_MS }
  const { kind, available } = await budgets.ledger.reserve(account, reservation)
  if (kind === 'refused') throw tooExpensive(amount, available, budget)
  // Of one that is known, whoever set it aside tells the end: this may be a repeat with nothing left to do.
  if (kind === 'granted') trace.account = account
}

/** The account of a request; `undefined`: its key has no budget. */
const accountFor = (
  budgets: Budgets,
  { request: { keyId }, trace }: Charged,
): SpendAccount | undefined => {
  if (trace.account) return trace.account
  const budget = keyId === undefined ? undefined : budgets.budgetOf(keyId)
  return keyId !== undefined && budget ? accountOf(keyId, budget, trace.createdAtMs) : undefined
}

/** Books what a request cost that has ended. What was taken over from a process that died was reserved by that. */
export const settleCost = async (
  budgets: Budgets | undefined,
  charged: Charged,
  cost: MicroUsd,
): Promise<void> => {
  const isUntouched = charged.trace.account === undefined && cost === 0
  const account = budgets && !isUntouched ? accountFor(budgets, charged) : undefined
  if (account) await budgets?.ledger.settle(account, spendIdOf(charged.trace), cost)
}
