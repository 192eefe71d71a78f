const partial = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1`

/** What to ask the API server for. Metadata alone keeps values and Secrets out of this process. */
export const accept = {
  json: 'application/json',
  metadata: partial('PartialObjectMetadata'),
  metadataList: partial('PartialObjectMetadataList'),
} as const
