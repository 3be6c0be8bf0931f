/** Where the facts about one model at one provider were read. */
export interface ModelSource {
  /** Public page or file. */
  readonly url: string
  /** Day or month of which the source is, as `2026-08-02`; of a page without a date the day it was read. */
  readonly checkedAt: string
}
