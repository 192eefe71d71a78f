import type { KubeObject } from '../types.ts'

/** What is read of workloads. Every field may be missing: defaults are those of the API. */
export type Condition = {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string | null
}
export type LabelSelector = {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}
type Replicated = { readonly replicas?: number; readonly selector?: LabelSelector; readonly minReadySeconds?: number }
type Counted = {
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly conditions?: readonly Condition[]
}

export type Deployment = KubeObject & {
  readonly spec?: Replicated & { readonly paused?: boolean }
  readonly status?: Counted & { readonly updatedReplicas?: number }
}
export type ReplicaSet = KubeObject & { readonly spec?: Replicated; readonly status?: Counted }
export type StatefulSet = KubeObject & {
  readonly spec?: Replicated & {
    readonly podManagementPolicy?: string
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } }
  }
  readonly status?: Counted & {
    readonly updatedReplicas?: number
    readonly currentRevision?: string
    readonly updateRevision?: string
  }
}
export type DaemonSet = KubeObject & {
  readonly spec?: { readonly selector?: LabelSelector; readonly updateStrategy?: { readonly type?: string } }
  readonly status?: {
    readonly observedGeneration?: number
    readonly desiredNumberScheduled?: number
    readonly updatedNumberScheduled?: number
    readonly numberReady?: number
    readonly numberAvailable?: number
  }
}
export type Job = KubeObject & {
  readonly spec?: { readonly completions?: number; readonly suspend?: boolean; readonly selector?: LabelSelector }
  readonly status?: {
    readonly succeeded?: number
    readonly failed?: number
    readonly conditions?: readonly Condition[]
  }
}
export type ContainerState = {
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly running?: { readonly startedAt?: string }
  readonly terminated?: {
    readonly reason?: string
    readonly message?: string
    readonly exitCode?: number
    readonly signal?: number
  }
}
export type ContainerStatus = {
  readonly name: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly image?: string
  readonly state?: ContainerState
  readonly lastState?: ContainerState
}
export type Pod = KubeObject & {
  readonly spec?: { readonly nodeName?: string; readonly containers?: readonly { readonly name: string }[] }
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly message?: string
    readonly conditions?: readonly Condition[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}
export type VolumeClaim = KubeObject & { readonly status?: { readonly phase?: string } }
export type Service = KubeObject & {
  readonly spec?: { readonly type?: string; readonly clusterIP?: string; readonly externalIPs?: readonly string[] }
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly unknown[] } }
}
