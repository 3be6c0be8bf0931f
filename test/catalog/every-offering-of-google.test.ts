import { describeOfferings } from './describe-offerings.ts'

await describeOfferings(['gemini', 'vertex'], 1_000)
