import { describeOfferings } from './describe-offerings.ts'

await describeOfferings(['fal'], 2_000)
