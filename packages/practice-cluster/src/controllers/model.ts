import type { KubeObject, ObjectMeta } from '../store/types.ts'
import type { IntOrPercent } from './quantity.ts'
import type { LabelSelector, Requirement } from './selector.ts'

/** A stored object whose fields a controller knows. */
type Typed<Spec, Status> = KubeObject & { readonly spec: Spec; readonly status?: Status | undefined }

export type Condition = {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
  readonly lastUpdateTime?: string
  readonly lastProbeTime?: string | null
  readonly observedGeneration?: number
}

export type Resources = Readonly<Record<string, string | number>>

export type ContainerPort = { readonly name?: string; readonly containerPort: number; readonly protocol?: string }

/** A check of a container, as far as it is one by HTTP. */
export type Probe = {
  readonly httpGet?: { readonly path?: string; readonly port: number | string; readonly scheme?: string }
}

export type Container = {
  readonly name: string
  readonly image?: string
  readonly ports?: readonly ContainerPort[]
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly startupProbe?: Probe
  readonly resources?: { readonly requests?: Resources; readonly limits?: Resources }
  readonly restartPolicy?: string
}

export type NodeSelectorTerm = {
  readonly matchExpressions?: readonly Requirement[]
  readonly matchFields?: readonly Requirement[]
}

export type Toleration = {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
}

export type Volume = { readonly name: string; readonly persistentVolumeClaim?: { readonly claimName: string } }

export type PodSpec = {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly restartPolicy?: string
  readonly nodeName?: string
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms: readonly NodeSelectorTerm[]
      }
    }
  }
  readonly tolerations?: readonly Toleration[]
  readonly volumes?: readonly Volume[]
  readonly hostNetwork?: boolean
  readonly hostname?: string
  readonly subdomain?: string
  readonly terminationGracePeriodSeconds?: number
}

export type Terminated = {
  readonly exitCode: number
  readonly reason: string
  readonly message?: string
  readonly startedAt?: string
  readonly finishedAt: string
  readonly containerID?: string
}

export type ContainerState = {
  readonly waiting?: { readonly reason: string; readonly message?: string }
  readonly running?: { readonly startedAt: string }
  readonly terminated?: Terminated
}

export type ContainerStatus = {
  readonly name: string
  readonly image: string
  readonly imageID: string
  readonly ready: boolean
  readonly started?: boolean
  readonly restartCount: number
  readonly containerID?: string
  readonly state: ContainerState
  readonly lastState: ContainerState
}

export type PodStatus = {
  readonly phase?: string
  readonly reason?: string
  readonly message?: string
  readonly conditions?: readonly Condition[]
  readonly hostIP?: string
  readonly hostIPs?: readonly { readonly ip: string }[]
  readonly podIP?: string
  readonly podIPs?: readonly { readonly ip: string }[]
  readonly startTime?: string
  readonly qosClass?: string
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}

export type Pod = Typed<PodSpec, PodStatus>

/** The template from which a workload makes its pods. */
export type PodTemplate = { readonly metadata?: Partial<ObjectMeta>; readonly spec: PodSpec }

export type ReplicaSet = Typed<
  {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly selector: LabelSelector
    readonly template: PodTemplate
  },
  {
    readonly replicas: number
    readonly fullyLabeledReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly terminatingReplicas?: number
    readonly observedGeneration?: number
    readonly conditions?: readonly Condition[]
  }
>

export type DeploymentStatus = {
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly terminatingReplicas?: number
  readonly collisionCount?: number
  readonly conditions?: readonly Condition[]
}

export type Deployment = Typed<
  {
    readonly replicas?: number
    readonly selector: LabelSelector
    readonly template: PodTemplate
    readonly paused?: boolean
    readonly minReadySeconds?: number
    readonly progressDeadlineSeconds?: number
    readonly revisionHistoryLimit?: number
    readonly strategy?: {
      readonly type?: 'RollingUpdate' | 'Recreate'
      readonly rollingUpdate?: { readonly maxSurge?: IntOrPercent; readonly maxUnavailable?: IntOrPercent }
    }
  },
  DeploymentStatus
>

export type ControllerRevision = KubeObject & { readonly revision: number; readonly data: unknown }

export type ClaimTemplate = { readonly metadata: Partial<ObjectMeta>; readonly spec: Readonly<Record<string, unknown>> }

export type StatefulSetStatus = {
  readonly observedGeneration?: number
  readonly replicas: number
  readonly readyReplicas: number
  readonly availableReplicas: number
  readonly currentReplicas: number
  readonly updatedReplicas: number
  readonly currentRevision?: string
  readonly updateRevision?: string
  readonly collisionCount?: number
}

export type StatefulSet = Typed<
  {
    readonly replicas?: number
    readonly serviceName?: string
    readonly selector: LabelSelector
    readonly template: PodTemplate
    readonly minReadySeconds?: number
    readonly podManagementPolicy?: 'OrderedReady' | 'Parallel'
    readonly updateStrategy?: {
      readonly type?: 'RollingUpdate' | 'OnDelete'
      readonly rollingUpdate?: { readonly partition?: number }
    }
    readonly ordinals?: { readonly start?: number }
    readonly revisionHistoryLimit?: number
    readonly volumeClaimTemplates?: readonly ClaimTemplate[]
    readonly persistentVolumeClaimRetentionPolicy?: { readonly whenDeleted?: string; readonly whenScaled?: string }
  },
  StatefulSetStatus
>

export type DaemonSet = Typed<
  {
    readonly selector: LabelSelector
    readonly template: PodTemplate
    readonly minReadySeconds?: number
    readonly revisionHistoryLimit?: number
    readonly updateStrategy?: {
      readonly type?: 'RollingUpdate' | 'OnDelete'
      readonly rollingUpdate?: { readonly maxUnavailable?: IntOrPercent; readonly maxSurge?: IntOrPercent }
    }
  },
  Readonly<Record<string, unknown>>
>

export type JobStatus = {
  readonly startTime?: string
  readonly completionTime?: string
  readonly active?: number
  readonly ready?: number
  readonly terminating?: number
  readonly succeeded?: number
  readonly failed?: number
  readonly conditions?: readonly Condition[]
  readonly uncountedTerminatedPods?: { readonly succeeded?: readonly string[]; readonly failed?: readonly string[] }
}

export type Job = Typed<
  {
    readonly parallelism?: number
    readonly completions?: number
    readonly backoffLimit?: number
    readonly activeDeadlineSeconds?: number
    readonly ttlSecondsAfterFinished?: number
    readonly suspend?: boolean
    readonly completionMode?: 'NonIndexed' | 'Indexed'
    readonly template: PodTemplate
  },
  JobStatus
>

export type ServicePort = {
  readonly name?: string
  readonly port: number
  readonly protocol?: string
  readonly appProtocol?: string
  readonly targetPort?: number | string
}

export type Service = Typed<
  {
    readonly type?: string
    readonly selector?: Readonly<Record<string, string>>
    readonly ports?: readonly ServicePort[]
    readonly clusterIP?: string
    readonly publishNotReadyAddresses?: boolean
  },
  { readonly loadBalancer?: { readonly ingress?: readonly unknown[] } }
>

export type DisruptionBudgetStatus = {
  readonly observedGeneration?: number
  readonly expectedPods: number
  readonly desiredHealthy: number
  readonly currentHealthy: number
  readonly disruptionsAllowed: number
  readonly disruptedPods?: Readonly<Record<string, string>>
  readonly conditions?: readonly Condition[]
}

export type DisruptionBudget = Typed<
  {
    readonly selector?: LabelSelector
    readonly minAvailable?: IntOrPercent
    readonly maxUnavailable?: IntOrPercent
    readonly unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow'
  },
  DisruptionBudgetStatus
>

export type ResourceQuota = Typed<
  { readonly hard?: Resources },
  { readonly hard?: Resources; readonly used?: Readonly<Record<string, string>> }
>

export type Taint = { readonly key: string; readonly value?: string; readonly effect: string }

export type Node = Typed<
  { readonly unschedulable?: boolean; readonly taints?: readonly Taint[]; readonly podCIDR?: string },
  {
    readonly capacity?: Resources
    readonly allocatable?: Resources
    readonly conditions?: readonly Condition[]
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
  }
>
