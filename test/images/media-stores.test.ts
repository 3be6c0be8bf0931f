import { describeMediaStore } from './media-store-contract.ts'
import { openDiskStore, openS3Store } from './stores-under-test.ts'

describeMediaStore('a folder', openDiskStore)
describeMediaStore('a bucket', () => openS3Store())
