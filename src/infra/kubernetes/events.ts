import type { KubeObject } from './types.ts'

/** An Event of Kubernetes: what a controller says of another object. */
export type EventObject = KubeObject & {
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly count?: number
  readonly lastTimestamp?: string
  readonly eventTime?: string
  readonly involvedObject?: { readonly uid?: string }
}

/** When it was last said, as the cluster writes it: such times can be compared as texts. */
export function timeOf({ lastTimestamp, eventTime, metadata }: EventObject): string {
  return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
}
