import type { PreparedImage } from '#src/domain/image-result.ts'
import type { KeptJob } from '#src/domain/run-store.ts'
import type { GeneratedImage } from './generated-image.ts'
import type { RequestPlan } from './plan-request.ts'
import type { GenerationProgress } from './tell-progress.ts'

/** What a caller wants to hear of while a request is served. Absent hooks: nobody listens. */
export interface GenerationHooks {
  /** The request is sound and can be served; nothing is sent before this resolves, or at all when it rejects. Once. */
  readonly onPlanned?: (plan: RequestPlan) => void | Promise<void>
  /** The images are being made for another request with the same idempotency key, and are waited for. */
  readonly onWaiting?: () => void
  /** Images as they become ready, in any order; all of them are in the answer too. */
  readonly onImages?: (images: readonly GeneratedImage[]) => void
  /** Each draft as it comes; its bytes are held. Absent: providers are not asked to stream. */
  readonly onPreview?: (image: PreparedImage) => void
  /** The first choice, and each attempt as it begins and as it ends. */
  readonly onProgress?: (progress: GenerationProgress) => void
  /** A provider has accepted a job. */
  readonly onJob?: (job: KeptJob) => void
  /** The job of this attempt came to nothing. */
  readonly onJobLost?: (attemptId: string) => void
  /** Jobs that an earlier process created for this very request: they are brought to their end first. */
  readonly jobs?: readonly KeptJob[]
}
