import { describeOfferings } from './describe-offerings.ts'

await describeOfferings(['replicate'], 1_000)
