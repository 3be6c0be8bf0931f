import { randomBytes } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { SECRET_BYTES, SECRET_FILE } from './disk-media-secret.ts'
import type { S3BucketSettings } from './s3-client.ts'
import { isMissingObject, readS3Failure } from './s3-failure.ts'

/** Another gateway was faster, or is just writing: the key that there is then is the one. */
const LOST_RACE = ['PreconditionFailed', 'ConditionalRequestConflict']

/** Reads and writes that a race of starting gateways may take before one key stands. */
const MAX_ROUNDS = 5

const readSecret = async (
  client: S3Client,
  object: { Bucket: string; Key: string },
): Promise<Buffer | undefined> => {
  try {
    const { Body } = await client.send(new GetObjectCommand(object))
    return Body && Buffer.from(await Body.transformToByteArray())
  } catch (error) {
    if (isMissingObject(error)) return undefined
    throw error
  }
}

const createSecret = async (
  client: S3Client,
  object: { Bucket: string; Key: string },
): Promise<void> => {
  const Body = randomBytes(SECRET_BYTES)
  try {
    await client.send(new PutObjectCommand({ ...object, Body, IfNoneMatch: '*' }))
  } catch (error) {
    if (!LOST_RACE.includes(readS3Failure(error).code)) throw error
  }
}

/**
 * The signing key in the bucket, created at first use, so that every gateway on the bucket accepts the URLs of all. It
 * is always read back: of several gateways that start at once, one writes and all use what it wrote. Rejects when the
 * object is there but is no key, and with the SDK's error when the bucket fails.
 */
export const loadS3MediaSecret = async (
  client: S3Client,
  { bucket, prefix }: Pick<S3BucketSettings, 'bucket' | 'prefix'>,
): Promise<Buffer> => {
  const object = { Bucket: bucket, Key: `${prefix}${SECRET_FILE}` }
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const secret = await readSecret(client, object)
    if (secret?.length === SECRET_BYTES) return secret
    if (secret) {
      throw new Error(
        `${object.Key} must hold ${SECRET_BYTES} bytes but has ${secret.length}; remove it to have a new key made`,
      )
    }
    await createSecret(client, object)
  }
  throw new Error(`${object.Key} cannot be read back from the bucket`)
}
