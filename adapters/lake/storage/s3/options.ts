/** What the settings say of an S3 store, by their own names. Credentials come by AWS's default chain alone. */
export interface S3Options {
  /** URL of a store that is not AWS's. */
  endpoint?: string | undefined;
  region?: string | undefined;
  /** `https://host/bucket/…` instead of `https://bucket.host/…`. */
  force_path_style?: boolean | undefined;
  /** `when_required` for stores that do not know the checksums of newer clients. */
  checksums?: 'when_supported' | 'when_required' | undefined;
  /** Encryption by the store. */
  sse?: { algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse'; kms_key_id?: string | undefined } | undefined;
}
