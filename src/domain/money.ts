/** Money is counted in whole millionths of a USD, so that sums stay exact. */
export type MicroUsd = number

/** USD as written in a price list → micro-USD, rounded half up. 0.067 → 67000. */
export const microUsdFromUsd = (usd: number): MicroUsd => Math.round(usd * 1_000_000)

/** Micro-USD → USD as a JSON number. 67000 → 0.067. */
export const usdFromMicroUsd = (microUsd: MicroUsd): number => microUsd / 1_000_000
